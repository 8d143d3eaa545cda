"""Tables of files, and of the agent itself. No rows."""

from guru_policy.query.table import Table, integer, text

FILES = Table("files", "Files and folders: give `path` (also with GLOB or LIKE) or `directory`.", (
    text("path", "whole"),
    text("directory", "that it stands in"),
    text("filename", "its name"),
    text("type", "regular, directory, symlink, socket, fifo, block, character"),
    integer("size", "bytes"),
    text("mode", "octal, four digits"),
    integer("uid", "owner"),
    integer("gid", "group"),
    text("owner", "owner's name"),
    integer("mtime", "seconds since 1970 of the last change"),
    integer("ctime", "of the last change of its properties"),
    integer("atime", "of the last look"),
    integer("inode", "number"),
    integer("hard_links", "names it has"),
    text("symlink", "where it points"),
), narrowed=("path", "directory"), needs=("path", "directory"))

AGENT = Table("agent", "The agent that answers.", (
    text("version", "of the program"),
    integer("language", "what it speaks to the server"),
    text("python", "that runs it"),
    integer("pid", "process"),
    integer("start_time", "seconds since 1970"),
    integer("resident_size", "bytes in memory"),
    text("root", "sandbox in front of every path; empty: the machine itself"),
))

ENV = Table("env", "The agent's own environment; what looks like a secret is left out.", (
    text("key", "name"),
    text("value", "content"),
))
