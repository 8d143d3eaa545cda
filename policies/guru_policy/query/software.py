"""Tables of software and what protects it: packages, updates, certificates, firewall. No rows."""

from guru_policy.query.table import Table, integer, text

PACKAGES = Table("packages", "Software that is installed, by the system's package manager.", (
    text("name", "of the package"),
    text("version", "that is installed"),
    text("arch", "for which processor"),
    text("manager", "apt, dnf"),
    integer("size", "bytes installed"),
    text("section", "what it is for"),
    text("maintainer", "who packs it"),
    text("status", "installed, held, config-files ..."),
))

UPDATES = Table("updates", "Newer versions that the package lists on the device know of.", (
    text("name", "of the package"),
    text("version", "that is installed"),
    text("available", "that could be"),
    text("origin", "where it comes from"),
    integer("security", "1 when it comes from a security archive"),
    text("manager", "apt, dnf"),
))

CERTIFICATES = Table(
    "certificates", "X.509 certificates in files: the usual places of server certificates, or those of `path`.", (
        text("common_name", "of the subject"),
        text("subject", "whole"),
        text("issuer", "whole"),
        text("names", "DNS names and addresses it is for, separated by blanks"),
        integer("ca", "1 when it may sign others"),
        integer("self_signed", "1 when it signed itself"),
        integer("not_valid_before", "seconds since 1970"),
        integer("not_valid_after", "seconds since 1970"),
        integer("days_left", "until it ends; negative after"),
        text("signing_algorithm", "such as sha256"),
        text("key_algorithm", "RSA, EC, Ed25519"),
        integer("key_strength", "bits"),
        text("serial", "hex"),
        text("sha256", "fingerprint, hex"),
        text("path", "the file"),
    ), narrowed=("path",))

FIREWALL = Table("firewall", "Firewalls that the device has.", (
    text("program", "ufw, nftables, firewalld"),
    integer("enabled", "1 when it works"),
    integer("rules", "how many it has; NULL when only root may see them"),
))

ANTIVIRUS = Table("antivirus", "Programs against malware.", (
    text("name", "such as ClamAV"),
    text("version", "of the program"),
    integer("enabled", "1 when it watches"),
    integer("signatures_at", "seconds since 1970 of the newest signatures"),
))
