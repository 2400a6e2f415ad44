"""The front-end for every Pulumi language: a resource plugin that serves the package `goldrush`.

Programs see camelCase names and one `destination` object; the verbs see the API's own names. `names` translates,
`values` reads and writes the engine's messages, `servicer` answers its calls, and `schema.json` describes the package.
"""
