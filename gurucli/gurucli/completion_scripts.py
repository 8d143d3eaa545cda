"""The scripts by which shells ask guru-complete. Plain text; nothing is run or written here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
# completion of guru for bash
_guru() {
    local line answer
    COMPREPLY=()
    answer=$(@COMMAND@ bash "$COMP_CWORD" "${COMP_WORDS[@]}" 2>/dev/null)
    if [ $? -eq 3 ]; then compopt -o default; return; fi
    while IFS= read -r line; do
        if [ -n "$line" ]; then COMPREPLY+=("$line"); fi
    done <<< "$answer"
    if [ "${#COMPREPLY[@]}" -eq 1 ]; then
        case "${COMPREPLY[0]}" in *=) compopt -o nospace ;; esac
    fi
}
complete -F _guru guru"""

_ZSH = """\
#compdef guru
# completion of guru for zsh
_guru() {
    local answer
    local -a found
    answer=$(@COMMAND@ zsh "$((CURRENT - 1))" "${words[@]}" 2>/dev/null)
    if [ $? -eq 3 ]; then _files; return; fi
    found=("${(@f)answer}")
    found=("${(@)found:#}")
    _describe guru found
}
if [ "$funcstack[1]" = "_guru" ]; then _guru "$@"; else compdef _guru guru; fi"""

_FISH = """\
# completion of guru for fish
function __guru_complete
    set -l done (commandline -opc)
    set -l answer (@COMMAND@ fish (count $done) $done (commandline -ct) 2>/dev/null)
    if test $status -eq 3
        __fish_complete_path (commandline -ct)
        return
    end
    printf '%s\\n' $answer
end
complete -c guru -f -a '(__guru_complete)'"""


def script(shell: str) -> str:
    """The script for a shell; it runs this installation's Python without site-packages, which is twice as
    fast.
    """
    command = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(str(Path(__file__).with_name('complete.py')))}"
    return {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell].replace("@COMMAND@", command)


def place(shell: str, home: Path) -> Path:
    """Where the shell looks for it."""
    return {
        "bash": home / ".local/share/bash-completion/completions/guru",
        "zsh": home / ".zfunc/_guru",
        "fish": home / ".config/fish/completions/guru.fish",
    }[shell]
