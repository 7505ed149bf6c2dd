"""Formats of the REST API's document that JSON Schema does not know, for schemathesis."""

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format(
    "cron",
    st.one_of(
        st.sampled_from(["@hourly", "@daily", "@weekly", "@monthly", "*/15 * * * *", "0 2 * * mon-fri"]),
        st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23)),
    ),
)
schemathesis.openapi.format(
    "iana-time-zone", st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"])
)
schemathesis.openapi.format("go-duration", st.builds("{}{}".format, st.integers(1, 100000), st.sampled_from("hms")))


@schemathesis.serializer("application/sql")
def sql(context, value):
    """A dump goes as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
