"""Tables of what runs: processes, services, sockets, containers. No rows."""

from guru_policy.query.table import Table, integer, text

PROCESSES = Table("processes", "What runs now.", (
    integer("pid", "process id"),
    integer("parent", "process id of its parent"),
    text("name", "short name of the program"),
    text("path", "the program's file"),
    text("cmdline", "the whole command line"),
    text("cwd", "working directory"),
    text("state", "R running, S sleeping, D waiting for a disk, Z zombie, T stopped, I idle"),
    integer("uid", "numeric user"),
    integer("gid", "numeric group"),
    text("username", "name of the user"),
    integer("nice", "priority, -20 first to 19 last"),
    integer("threads", "number of threads"),
    integer("resident_size", "bytes in memory"),
    integer("rss", "the same as resident_size"),
    integer("total_size", "bytes of address space"),
    integer("user_time", "milliseconds of processor for its own code"),
    integer("system_time", "milliseconds of processor in the kernel for it"),
    integer("start_time", "seconds since 1970 at which it began"),
), narrowed=("pid",))

SERVICES = Table("services", "Services as systemd knows them.", (
    text("name", "without .service"),
    text("description", "for people"),
    text("status", "running, exited, failed, dead ..."),
    text("load_state", "loaded, not-found, masked"),
    text("active_state", "active, inactive, failed, activating"),
    text("start_type", "enabled, disabled, static, masked ...: whether it starts with the machine"),
    integer("pid", "of its main process; 0 for none"),
    integer("restarts", "how often systemd has started it again"),
    integer("memory", "bytes of its control group; NULL when not counted"),
))

LISTENING_PORTS = Table("listening_ports", "Sockets that wait for others.", (
    integer("pid", "process id; NULL when it may not be seen"),
    text("name", "of the process"),
    integer("port", "0 for a socket file"),
    integer("protocol", "6 TCP, 17 UDP, 0 a socket file"),
    integer("family", "2 IPv4, 10 IPv6, 1 a socket file"),
    text("address", "that it listens on"),
    text("path", "of a socket file"),
))

CONNECTIONS = Table("connections", "Connected sockets of the internet protocols.", (
    integer("pid", "process id; NULL when it may not be seen"),
    text("name", "of the process"),
    integer("family", "2 IPv4, 10 IPv6"),
    integer("protocol", "6 TCP, 17 UDP"),
    text("local_address", "this end"),
    integer("local_port", "this end"),
    text("remote_address", "the other end"),
    integer("remote_port", "the other end"),
    text("state", "ESTABLISHED, TIME_WAIT ..."),
))

CONTAINERS = Table("containers", "Containers of Docker and Podman, also those that do not run.", (
    text("id", "short id"),
    text("name", "its name"),
    text("image", "what it was made of"),
    text("command", "what it runs"),
    text("state", "running, exited, paused, created"),
    text("status", "the same with how long"),
    text("created", "as the program writes it"),
    text("program", "docker or podman"),
))
