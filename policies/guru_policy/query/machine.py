"""Tables of the machine: system, hardware, disks, network. No rows."""

from guru_policy.query.table import Table, integer, real, text

OS = Table("os", "The operating system.", (
    text("name", "such as Debian GNU/Linux"),
    text("version", "as it calls itself"),
    integer("major", "first number of the version"),
    integer("minor", "second number"),
    text("codename", "such as bookworm"),
    text("platform", "such as debian"),
    text("platform_like", "what it descends from"),
    text("arch", "of the processor"),
    integer("uptime", "seconds since it was started"),
    text("timezone", "its local time"),
))

KERNEL = Table("kernel", "The kernel that runs.", (
    text("version", "its release"),
    text("arguments", "its command line"),
    text("path", "its image"),
    text("device", "the root device it was given"),
))

HARDWARE = Table("hardware", "The machine itself.", (
    text("hostname", "its name"),
    text("uuid", "of the mainboard; NULL when only root may see it"),
    text("cpu_brand", "name of the processor"),
    integer("cpu_physical_cores", "cores"),
    integer("cpu_logical_cores", "threads that run at once"),
    integer("physical_memory", "bytes"),
    integer("available_memory", "bytes that programs could have now"),
    integer("swap_total", "bytes"),
    integer("swap_free", "bytes"),
    text("hardware_vendor", "who made it"),
    text("hardware_model", "what it is"),
    text("hardware_version", "which one"),
    text("hardware_serial", "serial number; NULL when only root may see it"),
    text("virtualization", "kvm, vmware, docker ...; none on bare metal"),
    real("load_1", "mean length of the run queue in the last minute"),
))

INTERFACES = Table("interfaces", "Network interfaces; one row for each address, or one without.", (
    text("interface", "its name"),
    text("mac", "hardware address"),
    text("address", "IP address"),
    text("mask", "of the network"),
    text("broadcast", "address of all"),
    integer("mtu", "bytes of a packet"),
    integer("up", "1 when it is up"),
    integer("speed", "Mbit/s; 0 when unknown"),
    integer("ibytes", "received since the start"),
    integer("obytes", "sent"),
    integer("ipackets", "received"),
    integer("opackets", "sent"),
    integer("ierrors", "on the way in"),
    integer("oerrors", "on the way out"),
))

ROUTES = Table("routes", "Where packets go.", (
    text("destination", "address of the network; 0.0.0.0 and :: are the rest"),
    integer("netmask", "bits of the network"),
    text("gateway", "next machine; empty: directly"),
    text("interface", "the way out"),
    integer("metric", "the smaller goes first"),
))

DISKS = Table("disks", "Block devices: disks, partitions, volumes.", (
    text("name", "such as /dev/sda1"),
    text("parent", "device that it is a part of"),
    text("type", "disk, part, lvm, crypt, loop, rom ..."),
    integer("size", "bytes"),
    text("vendor", "who made it"),
    text("model", "what it is"),
    text("serial", "serial number"),
    integer("rotational", "1 when it turns"),
    text("transport", "sata, nvme, usb ..."),
    text("fstype", "what is on it"),
    text("label", "of what is on it"),
    text("uuid", "of what is on it"),
    text("mounted_at", "path"),
))

MOUNTS = Table("mounts", "File systems in use, with their room.", (
    text("device", "what is mounted"),
    text("path", "where"),
    text("type", "file system"),
    text("flags", "options"),
    integer("size", "bytes"),
    integer("free", "bytes for everybody"),
    integer("available", "bytes for root, too"),
    real("used_percent", "of the room"),
    integer("inodes", "files that fit"),
    integer("inodes_free", "files that still fit"),
), narrowed=("path",))

SMART = Table("smart", "What disks say of their own health, by smartctl.", (
    text("device", "such as /dev/sda"),
    text("model", "what it is"),
    text("serial", "serial number"),
    integer("passed", "1 when it finds itself healthy"),
    integer("temperature", "degrees Celsius"),
    integer("power_on_hours", "how long it has been on"),
    integer("reallocated", "sectors that were replaced"),
    integer("pending", "sectors that wait to be replaced"),
    integer("percent_used", "of an SSD's life"),
    integer("media_errors", "of an NVMe disk"),
))

USB = Table("usb", "What hangs on USB.", (
    text("usb_address", "bus and number"),
    text("vendor", "who made it"),
    text("vendor_id", "four hex digits"),
    text("model", "what it is"),
    text("model_id", "four hex digits"),
    text("serial", "serial number"),
    integer("removable", "1 when it may be pulled out"),
))
