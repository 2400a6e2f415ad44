"""What the six verbs do to a pipeline, free of Pulumi.

Read in the order a change travels: `spec` (what is wanted), `diff` (what differs), `drift` (what the server holds),
`deploy` (the requests), `wait` (until it is live), `diagnosis` (why it is not), `runs` (the record of it).
"""
