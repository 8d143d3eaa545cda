"""Tables of people and of what happens by the clock. No rows."""

from guru_policy.query.table import Table, integer, text

USERS = Table("users", "Local accounts.", (
    integer("uid", "number"),
    integer("gid", "of the main group"),
    text("username", "name"),
    text("description", "as the account has it"),
    text("directory", "home"),
    text("shell", "that signs in"),
    text("groups", "other groups, separated by blanks"),
), narrowed=("username",))

LOGGED_IN = Table("logged_in", "Who is signed in.", (
    text("user", "name"),
    text("tty", "terminal"),
    text("host", "from where"),
    integer("time", "seconds since 1970"),
    integer("pid", "of the session"),
))

CRON = Table("cron", "Jobs of cron.", (
    text("event", "@reboot and the like"),
    text("minute", "field"),
    text("hour", "field"),
    text("day_of_month", "field"),
    text("month", "field"),
    text("day_of_week", "field"),
    text("username", "who it runs as"),
    text("command", "what runs"),
    text("path", "the file it stands in"),
))

SCHEDULED_TASKS = Table("scheduled_tasks", "Timers of systemd.", (
    text("name", "of the timer"),
    text("action", "what it starts"),
    integer("enabled", "1 when it starts with the machine"),
    integer("last_run_time", "seconds since 1970; NULL: never"),
    integer("next_run_time", "seconds since 1970; NULL: not planned"),
))

EVENTS = Table(
    "events", "The system's journal: without a `time` of your own, of the last day, the newest 1,000.", (
        integer("time", "seconds since 1970"),
        text("unit", "of systemd"),
        text("identifier", "of the program"),
        integer("pid", "process"),
        integer("priority", "0 emergency to 7 debug"),
        text("message", "text"),
        text("boot", "id of the start it belongs to"),
    ), narrowed=("unit", "identifier", "priority", "time"))
