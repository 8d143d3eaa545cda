"""LANGUAGE: one growing number for what programs say to each other, with its history.

Fields are only added, and an old field never changes its meaning. A program tells its LANGUAGE in the
handshake; the other side leaves out what that number does not know.

1   The first: enrolment, handshake, batches, manifests, blobs, reports, samples, checks.
2   Bundles carry `categories`, `actions` and `branding` for the tray; an agent of 1 passes over them.
3   A device says its sealing key when it joins and in Hello; a bundle names its `secrets` with keyed fingerprints, and
    a manifest the blob of their `sealed` values; an agent of 2 passes over both and reads its own files.
4   Orders of jobs, Cancels, and items of the kinds `output` and `run`; agents below it are given no orders.
5   Bundles carry `windows` in which nothing is changed, and reports say by which one; an older agent passes over them.
6   A device says a digest of its hardware when it joins, and in Hello which process it is; Welcome says whether it
    is `held` and whether its key is to be renewed, by Rekey and Rekeyed. An older agent is held without being told, and
    keeps its key.
7   Trust carries the `chain` of state keys and the newest one's `word` on link key and authority, and Welcome that
    word's serial as `trust`. An older agent passes over them: it keeps the keys it enrolled with until it enrols anew.
8   Items of the kind `inventory`, and Welcome says whether the whole `inventory` is to be reported anew. An older
    server refuses such items one by one, and asks for all of them once it is of 8.
9   Bundles carry `schedules`, and items of the kind `run` say which `schedule` one was of; an older agent passes over
    them, and an older server over such runs.
10  Orders of looks at files may ask for a `part`; an older agent reads the whole file, without the head of a part.
11  Commands and schedules whose script is `inside` a sandbox, which an older agent finds empty and does not run.
    Bundles carry `queries`, and items of the kind `inventory` tell of them as tables that are called `query:NAME`; an
    older agent passes over the one, an older server over the other.
12  Commands that are a `change` of a file, which an older agent finds empty and does not run.
13  Changes that put what a `transfer` brings, which an older agent refuses as no content came; commands that `send` a
    file, which it finds empty and does not run; and the frames in which both are carried. Older agents ask for none.
"""

from guru_policy.bundle import LANGUAGE
from guru_wire.release import VERSION

__all__ = ["LANGUAGE", "VERSION"]
