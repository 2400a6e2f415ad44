"""Programs that every type checker has to refuse: each marked line, and no other."""

from __future__ import annotations

import pulumi

import goldrush_pulumi as goldrush
from goldrush_pulumi import PostgresDestinationArgsDict

typed = goldrush.PostgresDestinationArgs(url="postgresql://h/d", user="u", password="p")
topic = "base.mainnet.ref.block.swaps"
number: pulumi.Output[int] = pulumi.Output.from_input(5)

goldrush.PostgresDestinationArgs(url="postgresql://h/d", user="u")  # wrong: password is missing
goldrush.PostgresDestinationArgs(url="postgresql://h/d", user="u", pasword="p")  # wrong: misspelt
goldrush.PostgresDestinationArgs(url=5, user="u", password="p")  # wrong: a number for a text
goldrush.PostgresDestinationArgs(url="x", user="u", password=number)  # wrong: an output of a number for a text
goldrush.ClickHouseDestinationArgs(url="x", user="u", password="p", batch_size="many")  # wrong: a text for a number
goldrush.KafkaDestinationArgs(bootstrap_servers="b:1", sasl="plain", output_topic="t")  # wrong: a text for a block
goldrush.KafkaSaslArgs(mechanism="m", username="u")  # wrong: password is missing
goldrush.WebhookDestinationArgs(url="x", headers=["A: b"])  # wrong: a list for a map
goldrush.WebhookDestinationArgs(url="x", retry={"attempts": 5})  # wrong: misspelt in a nested dict
goldrush.WebhookRetryArgs(max_attempts="5")  # wrong: a text for a number
goldrush.SqsDestinationArgs(queue_url="x", region="r", access_key_id="a")  # wrong: secret_access_key is missing
goldrush.PostgresDestinationArgs("postgresql://h/d", "u", "p")  # wrong: fields have names
without_user: PostgresDestinationArgsDict = {"type": "postgres", "url": "x", "password": "p"}  # wrong: user is missing
of_another: PostgresDestinationArgsDict = {"type": "kafka", "url": "x", "user": "u", "password": "p"}  # wrong: the type
typed.port  # wrong: no such field
goldrush.PipelineArgs(project="p", topic=topic)  # wrong: destination_config is missing
goldrush.PipelineArgs(project=5, topic=topic, destination_config=typed)  # wrong: a number for a text
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, status="on")  # wrong: not a status
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, wait_for="ready")  # wrong: not a goal
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, execution_mode="batch")  # wrong: not a mode
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, execution_start_from=1.5)  # wrong: a fraction
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, transforms=["SELECT"])  # wrong: a list
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, transforms={"t": 5})  # wrong: not a SELECT
goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed, tranforms={})  # wrong: misspelt
goldrush.PipelineArgs(project="p", topic=topic, destination_config="postgresql://h/d")  # wrong: a text
goldrush.Pipeline("a", project="p", topic=topic, destination_config=typed, phase="RUNNING")  # wrong: an output
goldrush.Pipeline("b", project="p", topic=topic)  # wrong: destination_config is missing
goldrush.Pipeline("c", typed)  # wrong: a destination is no pipeline
good = goldrush.Pipeline("d", goldrush.PipelineArgs(project="p", topic=topic, destination_config=typed))
good.phases  # wrong: no such output
height: int = goldrush.Pipeline.get("e", "pipe_1").execution_start_from  # wrong: an output is no number
