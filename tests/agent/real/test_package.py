"""Packages of an apt repository made on the spot, installed by the real apt-get and dpkg."""

from __future__ import annotations

from tests.agent.real.world import NOTHING, converge, done, run, tell

# Two versions of one small package, a repository of files around them, and no other source.
REPOSITORY = r"""
set -e
mkdir -p /srv/repo && cd /srv/repo
for version in 1.0 2.0; do
    mkdir -p made/DEBIAN made/etc made/opt/guruprobe
    printf 'Package: guruprobe\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: a test\n' \
        $version > made/DEBIAN/control
    echo $version > made/opt/guruprobe/version; echo "setting $version" > made/etc/guruprobe.conf
    echo /etc/guruprobe.conf > made/DEBIAN/conffiles
    dpkg-deb --build made guruprobe_$version.deb >/dev/null
    cat made/DEBIAN/control
    printf 'Filename: ./guruprobe_%s.deb\nSize: %s\nSHA256: %s\n\n' $version \
        $(stat -c %s guruprobe_$version.deb) $(sha256sum guruprobe_$version.deb | cut -d' ' -f1)
done > Packages
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list
"""
STATE = run("dpkg-query", "-W", "-f=${Status} ${Version}", "guruprobe")


def test_a_package_is_pinned_held_moved_on_and_purged() -> None:
    pinned = converge("package", name="guruprobe", version="1.0", hold=True)
    newest = converge("package", name="guruprobe", ensure="latest", hold=True)
    _, made, again, first, moved, settled, second, removed, left, purged, gone = tell(
        run("sh", "-c", REPOSITORY), pinned, pinned, STATE, newest, newest, STATE,
        converge("package", name="guruprobe", ensure="absent"), STATE,
        converge("package", name="guruprobe", ensure="absent", purge=True), STATE,
    )

    assert done(made), made
    assert "run apt-get update -y -q -o DPkg::Lock::Timeout=120" in made["steps"]
    assert again == settled == NOTHING
    assert first["out"] == "hold ok installed 1.0"
    assert done(moved), moved
    assert second["out"] == "hold ok installed 2.0"
    assert done(removed), removed
    assert left["out"] == "deinstall ok config-files 2.0"
    assert done(purged), purged
    assert gone["exit"] == 1


def test_a_package_that_nobody_has_is_a_failure_in_words() -> None:
    _, failed = tell(run("sh", "-c", REPOSITORY), converge("package", name="no-such-package-anywhere"))

    assert "Unable to locate package no-such-package-anywhere" in failed["error"]
