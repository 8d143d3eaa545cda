"""Groups and authorized keys on real files, through the agent's own eyes and hands."""

from __future__ import annotations

from tests.agent.real.world import NOTHING, converge, done, read, run, tell, write

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRvbid0IHVzZSB0aGlzIGtleSBhbnl3aGVyZSEh anna@pc"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5laXRoZXIgdXNlIHRoYXQga2V5IGFueXdoZXIh ben@pc"
USER = converge("user", name="gurutest", shell="/bin/sh")


def test_a_group_is_made_changed_mended_and_removed() -> None:
    group = {"name": "guruops", "gid": 4242, "members": ["daemon", "bin"], "members_exact": True}
    spec = converge("group", name="guruops", gid=4242, members=["daemon", "bin"], membersExact=True)
    made, again, _, mended, line, gone, after = tell(
        spec, spec, run("gpasswd", "--add", "sys", "guruops"), spec, run("getent", "group", "guruops"),
        converge("group", name="guruops", ensure="absent"), run("getent", "group", "guruops"),
    )

    assert done(made)
    assert again == NOTHING
    assert mended["steps"] == ["run gpasswd --members bin,daemon guruops"]
    assert line["out"] == f"guruops:x:{group['gid']}:bin,daemon\n"
    assert done(gone)
    assert after["exit"] == 2


def test_a_key_is_let_in_beside_others_mended_and_kept_out() -> None:
    file = "/home/gurutest/.ssh/authorized_keys"
    spec = converge("authorized_key", user="gurutest", key=KEY, options="restrict")
    _, made, again, look, *_, mended, text, absent, rest = tell(
        USER, spec, spec, run("stat", "-c", "%U %a", "/home/gurutest/.ssh", file),
        run("sh", "-c", f"printf '# mine\\n{OTHER}\\n{KEY}\\n{KEY}' > {file}; chmod 0666 {file}"),
        spec, read(file), converge("authorized_key", user="gurutest", key=KEY, ensure="absent"), read(file),
    )

    assert done(made)
    assert again == NOTHING
    assert look["out"] == "gurutest 700\ngurutest 600\n"
    assert done(mended)
    assert text == f"# mine\n{OTHER}\nrestrict {KEY}\n"
    assert done(absent)
    assert rest == f"# mine\n{OTHER}\n"


def test_a_users_links_lead_the_agent_nowhere() -> None:
    spec = converge("authorized_key", user="gurutest", key=KEY)
    home = "/home/gurutest"
    _, _, linked, *_, owned, theirs, _, folder = tell(
        USER,
        run("sh", "-c", f"mkdir /etc/trap; ln -s /etc/trap {home}/.ssh"), spec,
        run("sh", "-c", f"rm {home}/.ssh; mkdir {home}/.ssh; touch /home/not-theirs; chmod 600 /home/not-theirs"),
        run("ln", "/home/not-theirs", f"{home}/.ssh/authorized_keys"), spec,
        run("stat", "-c", "%U %a", "/home/not-theirs"),
        run("sh", "-c", f"rm {home}/.ssh/authorized_keys; ln -s /etc/shadow {home}/.ssh/authorized_keys"), spec,
    )

    assert linked["error"] == "/home/gurutest/.ssh is not a folder of gurutest's own"
    assert owned["error"] == folder["error"] == "/home/gurutest/.ssh/authorized_keys is not a file of gurutest's own"
    assert theirs["out"] == "root 600\n"


def test_names_get_their_address_and_lose_any_other() -> None:
    hosts = "127.0.0.1 localhost\n192.0.2.1 nas old # the office\n2001:db8::1 nas\n"
    spec = converge("hosts_entry", address="192.0.2.9", names=["nas", "nas.acme.example"])
    _, made, again, text, looked, absent, rest = tell(
        write("/etc/hosts", hosts), spec, spec, read("/etc/hosts"), run("getent", "hosts", "nas.acme.example"),
        converge("hosts_entry", address="192.0.2.9", names=["nas", "nas.acme.example"], ensure="absent"),
        read("/etc/hosts"),
    )

    assert done(made)
    assert again == NOTHING
    assert text == (
        "127.0.0.1 localhost\n192.0.2.1\told # the office\n2001:db8::1 nas\n192.0.2.9\tnas nas.acme.example\n"
    )
    assert looked["out"].startswith("192.0.2.9 ")
    assert done(absent)
    assert rest == "127.0.0.1 localhost\n192.0.2.1\told # the office\n2001:db8::1 nas\n"


def test_a_kernel_setting_holds_now_and_at_boot() -> None:
    spec = converge("sysctl", name="net.ipv4.ip_local_port_range", value="20000 30000")
    made, again, now, boot, _, mended, absent, file, unknown = tell(
        spec, spec, run("sysctl", "-n", "net.ipv4.ip_local_port_range"),
        run("sysctl", "--dry-run", "--load=/etc/sysctl.d/99-guru-net.ipv4.ip_local_port_range.conf"),
        run("sysctl", "-w", "net.ipv4.ip_local_port_range=1024 2048"), spec,
        converge("sysctl", name="net.ipv4.ip_local_port_range", ensure="absent"),
        read("/etc/sysctl.d/99-guru-net.ipv4.ip_local_port_range.conf"),
        converge("sysctl", name="net.ipv4.no_such_thing", value=1),
    )

    assert done(made)
    assert again == NOTHING
    assert now["out"].split() == ["20000", "30000"]
    assert boot["out"] == "net.ipv4.ip_local_port_range = 20000 30000\n"
    assert mended["steps"] == ["run sysctl -q -w net.ipv4.ip_local_port_range=20000 30000"]
    assert done(absent)
    assert file is None
    assert unknown["error"] == "this kernel has no setting net.ipv4.no_such_thing"
