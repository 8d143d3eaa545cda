"""What programs print, cut to what matters: systemd 252, dpkg 1.21, rpm 4.16, apt 2.6, lsblk 2.38, smartctl 7.3."""

SYSTEMCTL_SHOW = """MainPID=412
NRestarts=0
MemoryCurrent=1236992
Id=cron.service
Description=Regular background program processing daemon
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled

MainPID=0
NRestarts=0
MemoryCurrent=[not set]
Id=rescue.service
Description=Rescue Shell
LoadState=loaded
ActiveState=inactive
SubState=dead
UnitFileState=static
"""
DPKG = (
    "curl\t7.88.1-10\tamd64\t504\tweb\tA Maintainer <a@example.org>\thold ok installed\n"
    "old\t1.0\tall\t12\tmisc\tA Maintainer <a@example.org>\tdeinstall ok config-files\n"
)
RPM = (
    "bash\t5.1.8-9.el9\tx86_64\t7738634\tUnspecified\tA Builder\n"
    "gpg-pubkey\t8483c65d-5ccc5b19\t(none)\t0\tPublic Keys\tA Signer\n"
)
APT = """Reading package lists...
Inst base-files [12.4+deb12u11] (12.4+deb12u15 Debian:12.15/oldstable [amd64])
Inst libssl3 [3.0.15-1] (3.0.17-1~deb12u3 Debian-Security:12/oldstable-security [amd64])
Inst linux-image-6.1.0-40-amd64 (6.1.153-1 Debian-Security:12/oldstable-security [amd64])
Conf base-files (12.4+deb12u15 Debian:12.15/oldstable [amd64])
"""
DNF = """
curl.x86_64                 7.76.1-29.el9_4      baseos
python3.11-libs.x86_64      3.11.9-7.el9         appstream
Obsoleting Packages
old.noarch                  1.0-1                baseos
"""
LSBLK = """{"blockdevices": [
 {"path":"/dev/nvme0n1","pkname":null,"type":"disk","size":512110190592,"vendor":null,"model":"Example 512 ",
  "serial":"S1","rota":false,"tran":"nvme","fstype":null,"label":null,"uuid":null,"mountpoint":null},
 {"path":"/dev/nvme0n1p2","pkname":"nvme0n1","type":"part","size":"510000000000","vendor":null,"model":null,
  "serial":null,"rota":false,"tran":"nvme","fstype":"ext4","label":"root","uuid":"u","mountpoint":"/"}]}"""
SMART_ATA = """{"device":{"name":"/dev/sda","type":"sat"},"model_name":"EX 1","serial_number":"W1",
 "smart_status":{"passed":true},"temperature":{"current":34},"power_on_time":{"hours":20133},
 "ata_smart_attributes":{"table":[{"id":5,"name":"Reallocated_Sector_Ct","raw":{"value":8}},
  {"id":197,"name":"Current_Pending_Sector","raw":{"value":0}}]}}"""
SMART_NVME = """{"device":{"name":"/dev/nvme0","type":"nvme"},"model_name":"EX 2","serial_number":"W2",
 "smart_status":{"passed":false},"temperature":{"current":61},"power_on_time":{"hours":811},
 "nvme_smart_health_information_log":{"percentage_used":91,"media_errors":12}}"""
ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""
ROUTES_6 = """fe800000000000000000000000000000 40 00000000000000000000000000000000 00 \
00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 \
00000000000000000000000000000000 00000000 00000002 00000000 80200001       lo
"""
CRONTAB = """SHELL=/bin/sh
# m h dom mon dow user  command
17 *    * * *   root    cd / && run-parts --report /etc/cron.hourly
"""
TIMERS = """[{"next":1764250000000000,"left":1,"last":1764210000000000,"passed":1,"unit":"apt-daily.timer",
 "activates":"apt-daily.service"},
 {"next":null,"left":null,"last":0,"passed":0,"unit":"x.timer","activates":"x.service"}]"""
JOURNAL = """\
{"__REALTIME_TIMESTAMP":"1764210000123456","_SYSTEMD_UNIT":"ssh.service","SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6",\
"_PID":"321","MESSAGE":"Server listening"}
{"__REALTIME_TIMESTAMP":"1764210001000000","MESSAGE":[99,97,102,233]}
"""
DOCKER = """{"Command":"\\"nginx -g daemon off;\\"","CreatedAt":"2026-01-02 10:00:00 +0000 UTC",\
"ID":"0123456789abcdef0123","Image":"nginx:1","Names":"web","State":"running","Status":"Up 2 hours"}
"""
PODMAN = """{"Command":["postgres"],"CreatedAt":"2 days ago","Id":"fedcba9876543210","Image":"postgres:17",\
"Names":["db"],"State":"exited","Status":"Exited (0) 2 days ago"}
"""
NFT = """table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\ttcp dport 22 accept
\t}
}
"""
