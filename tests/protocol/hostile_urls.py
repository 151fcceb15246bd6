"""URLs that lead, or might be read to lead, where Parley must not go."""

LOOPBACK = """
http://127.0.0.1/
http://127.0.0.1:80/
http://127.0.0.2/
http://127.1.2.3/
http://127.255.255.255/
http://127.1/
http://127.0.1/
http://2130706433/
http://017700000001/
http://0177.0.0.1/
http://0177.0.0.01/
http://00000177.0.0.1/
http://0x7f000001/
http://0X7F000001/
http://0x7f.0.0.1/
http://0x7f.1/
http://0x7f.0x0.0x0.0x1/
http://0177.0x0.0.1/
http://127.0x1/
http://127.000.000.001/
http://127.0.0.0x1/
http://1.0x7f/
http://4294967295/
http://6425673729/
http://127.0.0.1./
http://127.0.0.1.:80/
http://127..0.1/
http://.127.0.0.1/
http://127.0.0.256/
http://127.0.0.1.1/
http://0/
http://0.0.0.0/
http://0.0.0.1/
http://0x0/
http://0x/
http://00/
http://0.0/
http://[::1]/
http://[::1]:8080/
http://[0:0:0:0:0:0:0:1]/
http://[0000:0000:0000:0000:0000:0000:0000:0001]/
http://[::]/
http://[0::0]/
http://[::127.0.0.1]/
http://[::7f00:1]/
http://[::ffff:127.0.0.1]/
http://[::ffff:7f00:1]/
http://[::FFFF:127.0.0.1]/
http://[0:0:0:0:0:ffff:127.0.0.1]/
http://[::ffff:0:127.0.0.1]/
http://[64:ff9b::127.0.0.1]/
http://[64:ff9b::7f00:1]/
http://[64:ff9b:1::7f00:1]/
http://[2002:7f00:1::]/
http://[2002:7f00:0001::1]/
http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/
http://[2001:0:7f00:1::]/
http://[2606:2800::5efe:7f00:1]/
http://[2606:2800::200:5efe:7f00:1]/
http://localhost/
http://LOCALHOST/
http://LocalHost:8000/
http://localhost./
http://localhost.localdomain/
http://foo.localhost/
http://a.b.localhost:9/
http://localhost%00.example/
http://ip6-localhost/
http://loopback/
"""

PRIVATE = """
http://10.0.0.1/
http://10.255.255.255/
http://012.0.0.1/
http://0xa000001/
http://167772161/
http://172.16.0.1/
http://172.31.255.255/
http://172.16.1/
http://192.168.0.1/
http://192.168.1.1:8080/
http://192.168.257/
http://0xc0a80001/
http://3232235521/
http://100.64.0.1/
http://100.127.255.254/
http://169.254.0.1/
http://169.254.1.1/
http://192.0.0.1/
http://192.0.0.8/
http://192.0.0.170/
http://192.0.2.1/
http://198.18.0.1/
http://198.19.255.255/
http://198.51.100.7/
http://203.0.113.9/
http://192.88.99.1/
http://192.31.196.1/
http://192.52.193.1/
http://192.175.48.1/
http://224.0.0.1/
http://239.255.255.250:1900/
http://240.0.0.1/
http://255.255.255.255/
http://[fc00::1]/
http://[fd12:3456:789a::1]/
http://[fe80::1]/
http://[fe80::1%25eth0]/
http://[fe80::1%eth0]/
http://[fe80::1%251]/
http://[2606:4700::1111%25lo]/
http://[fec0::1]/
http://[ff02::1]/
http://[ff0e::1]/
http://[100::1]/
http://[100:0:0:1::1]/
http://[2001:db8::1]/
http://[2001:2::1]/
http://[2001:10::1]/
http://[2001:20::1]/
http://[2001:4:112::1]/
http://[3fff::1]/
http://[5f00::1]/
http://[4000::1]/
http://[2620:4f:8000::1]/
http://[::ffff:10.0.0.1]/
http://[::ffff:192.168.0.1]/
http://[::ffff:a00:1]/
http://[::10.0.0.1]/
http://[64:ff9b::10.0.0.1]/
http://[64:ff9b::c0a8:1]/
http://[2002:a00:1::]/
http://[2002:c0a8:1::1]/
http://router.local/
http://printer.home.arpa/
http://db.internal/
http://payments.svc.cluster.local/
http://host.docker.internal/
http://intranet/
http://router/
http://expyuzz4wqqyqhjn.onion/
"""

METADATA = """
http://169.254.169.254/latest/meta-data/
http://169.254.169.254:80/latest/
https://169.254.169.254/
http://2852039166/
http://0xa9fea9fe/
http://0xA9.0xFE.0xA9.0xFE/
http://0251.0376.0251.0376/
http://0251.254.169.254/
http://169.254.43518/
http://169.16689662/
http://169.254.169.254./
http://169.254.170.2/v2/credentials/
http://169.254.170.23/v1/credentials
http://169.254.169.123/
http://169.254.169.253/
http://169.254.0.23/
http://100.100.100.200/latest/meta-data/
http://168.63.129.16/machine/
http://192.0.0.192/opc/
http://192.80.8.124/metadata
http://[fd00:ec2::254]/
http://[fd00:ec2::253]/
http://[fd00:ec2::23]/
http://[fd20:ce::254]/
http://[::ffff:169.254.169.254]/
http://[::ffff:a9fe:a9fe]/
http://[0:0:0:0:0:ffff:a9fe:a9fe]/
http://[::a9fe:a9fe]/
http://[64:ff9b::169.254.169.254]/
http://[64:ff9b::a83f:8110]/
http://[2002:a9fe:a9fe::]/
http://metadata.google.internal/computeMetadata/v1/
http://METADATA.GOOGLE.INTERNAL/
http://metadata.google.internal./
http://metadata.goog/
http://metadata/
http://instance-data/
http://instance-data.ec2.internal/
"""

SPELLING = """
hook
/hook
//shop.example/hook
///shop.example/hook
http:
http:/
http://
http:///
http:///shop.example
http:shop.example
http:/shop.example
http//shop.example
http:\\\\shop.example
http:/\\shop.example
\\\\shop.example\\share
http://?x=1
http://#x
http://:80/
http://@/
http://@shop.example/
http://user@shop.example/
http://user:secret@shop.example/
http://:secret@shop.example/
http://shop.example@127.0.0.1/
http://shop.example:80@127.0.0.1/
http://127.0.0.1@shop.example/
http://a@b@127.0.0.1/
http://shop.example%40127.0.0.1/
http://shop.example#@127.0.0.1/
http://127.0.0.1#@shop.example/
http://127.0.0.1#.shop.example/
http://127.0.0.1%23.shop.example/
http://shop.example/#top
http://shop.example/hook#@127.0.0.1/
http://127.0.0.1\\@shop.example/
http://shop.example\\@127.0.0.1/
http://shop.example\\.127.0.0.1/
http://shop.example/\\..\\x
http://127.0.0.1\\.shop.example/
http://127.0.0.1%5c.shop.example/
http://127.0.0.1%2fshop.example/
http://127.0.0.1%252f@shop.example/
http://127.0.0.1;shop.example/
http://127.0.0.1,shop.example/
http://127.0.0.1&shop.example/
http://127.0.0.1%00.shop.example/
http://127.0.0.1%0d%0a.shop.example/
http://%31%32%37.0.0.1/
http://%6c%6f%63alhost/
http://127%2e0%2e0%2e1/
http://%5b::1%5d/
http://shop.example./
http://shop.example../
http://.shop.example/
http://shop..example/
http://./
http://../
http://-shop.example/
http://shop-.example/
http://shop!.example/
http://shop$.example/
http://shop'.example/
http://(shop).example/
http://*.example/
http://shop=.example/
http://shop+.example/
http://~shop.example/
http://<shop>.example/
http://shop^.example/
http://shop`.example/
http://{shop}.example/
http://shop|.example/
http://"shop".example/
http://shop.example:/
http://shop.example:0/
http://shop.example:-1/
http://shop.example:+80/
http://shop.example:080000/
http://shop.example:65536/
http://shop.example:99999/
http://shop.example:4294967376/
http://shop.example:http/
http://shop.example:8_0/
http://shop.example:0x50/
http://shop.example:80:80/
http://shop.example:80a/
http://[::1/
http://::1/
http://::1]/
http://[]/
http://[::1]]/
http://[[::1]]/
http://[::1]x/
http://[::1].shop.example/
http://shop.example[::1]/
http://[shop.example]/
http://[127.0.0.1]/
http://[v1.fe80]/
http://[::g]/
http://[1::2::3]/
http://[1:2:3:4:5:6:7:8:9]/
http://[::1]:x/
http://2001:4860::8888/
ftp://shop.example/
ftps://shop.example/
file:///etc/passwd
file://shop.example/etc/passwd
gopher://shop.example:70/_POST
dict://shop.example:11211/stat
ldap://shop.example/
ws://shop.example/
wss://shop.example/
sftp://shop.example/
tftp://shop.example/
jar:http://shop.example!/
netdoc:///etc/passwd
data:text/plain,hello
javascript:alert(1)
mailto:ana@shop.example
sip:ana@shop.example
unix:/var/run/docker.sock
http+unix://%2Fvar%2Frun%2Fdocker.sock/info
view-source:http://shop.example/
httpx://shop.example/
xhttp://shop.example/
url:http://shop.example/
"""

INVISIBLE = (
    "",
    " ",
    " http://shop.example/",
    "http://shop.example/ ",
    "\thttp://shop.example/",
    "\nhttp://shop.example/",
    "ht\ttp://shop.example/",
    "ht\ntp://shop.example/",
    "http:\t//shop.example/",
    "http://sh\top.example/",
    "http://sh\nop.example/",
    "http://127.0.0.1\t.shop.example/",
    "http://127.0.0.1\n.shop.example/",
    "http://127.0.0.1 .shop.example/",
    "http://127.0.0.1\x00.shop.example/",
    "http://127.0.0.1\x0b/",
    "http://shop.example\r\nX-Injected: 1/",
    "http://shop.example/\r\nX-Injected: 1",
    "http://shop.example/x HTTP/1.1\r\nHost: internal\r\n\r\n",
    "http://shop.example/?a=\r\nb",
    "http://shop.example/?a=\nb",
    "http://shop.example:80\r\n/",
    "http://shop.example:8\t0/",
    "http://shop.example/\x7f",
    "http://shop.example/\x85",
    "http://shop.example/\ud800",
    "http://shop.example/?\udfff",
    "http://\ud800.example/",
)

FOREIGN = (
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://127．0．0．1/",
    "http://127｡0｡0｡1/",
    "http://169。254。169。254/",
    "http://[::①]/",
    "http://[::ﬀﬀ:127.0.0.1]/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://ｌｏｃａｌｈｏｓｔ/",
    "http://loca\u217chost/",
    "http://loc\u00adalhost/",
    "http://local\u200bhost/",
    "http://local\u2060host/",
    "http://\ufefflocalhost/",
    "http://\u202ehost.example/",
    "http://shop.example\u2044@127.0.0.1/",
    "http://shop.example\uff0f127.0.0.1/",
    "http://shop.example\uff20127.0.0.1/",
    "http://shop.example\uff1a80/",
    "http://shop.example\uff03@127.0.0.1/",
    "http://127.0.0.1\uff1f.shop.example/",
    "http://127.0.0.1\u2100.shop.example/",
    "http://shop\u3002example/",
    "http://shop\uff0eexample/",
    "http://\u0430pple.example/",
    "http://p\u0430yments.example/",
    "http://münchen.example/",
    "http://例え.example/",
    "http://faß.example/",
    "http://shop.example:８０/",
    "http://shop.example:８0/",
    "http://shop.example:٨٠/",
    "ｈttp://shop.example/",
    "http\uff1a//shop.example/",
    "http:／／shop.example/",
    "http://xn--/\uff0f",
    "httpſ://shop.example/",
)

GIANT = (
    f"http://{'a' * 64}.example/",
    f"http://{'a.' * 130}example/",
    f"http://{'a' * 254}/",
    f"http://{'1' * 400}/",
    f"http://0x{'f' * 400}/",
    f"http://shop.example:{'1' * 5_000}/",
    f"http://shop.example:{'0' * 100}80/",
    f"http://shop.example/{'a' * 10_000}",
    f"http://{'[' * 5_000}::1{']' * 3_000}/",
    f"{'a' * 5_000}://shop.example/",
    f"http://{'@' * 5_000}127.0.0.1/",
    "9" * 100_000,
)

RESOLVED = (
    ("http://localtest.me/", ("127.0.0.1",)),
    ("http://127.0.0.1.nip.io/", ("127.0.0.1",)),
    ("http://7f000001.nip.io/", ("127.0.0.1",)),
    ("http://169.254.169.254.nip.io/", ("169.254.169.254",)),
    ("http://spoofed.example/", ("::1",)),
    ("http://spoofed.example/", ("0.0.0.0",)),
    ("http://spoofed.example/", ("::",)),
    ("http://spoofed.example/", ("10.0.0.1",)),
    ("http://spoofed.example/", ("93.184.216.34", "10.0.0.1")),
    ("http://spoofed.example/", ("10.0.0.1", "93.184.216.34")),
    ("http://spoofed.example/", ("2606:2800:220:1::1", "fd00::1")),
    ("http://spoofed.example/", ("::ffff:127.0.0.1",)),
    ("http://spoofed.example/", ("fe80::1%eth0",)),
    ("http://spoofed.example/", ("fe80::1%2",)),
    ("http://spoofed.example/", ("2606:4700::1111%eth0",)),
    ("http://spoofed.example/", ("64:ff9b::a9fe:a9fe",)),
    ("http://spoofed.example/", ("2002:a9fe:a9fe::1",)),
    ("http://spoofed.example/", ("2001:0:4136:e378:8000:63bf:f5ff:fffe",)),
    ("http://spoofed.example/", ("168.63.129.16",)),
    ("http://spoofed.example/", ("127.1",)),
    ("http://spoofed.example/", ("0x7f.0.0.1",)),
    ("http://spoofed.example/", ("127.0.0.1\x00",)),
    ("http://spoofed.example/", ("spoofed.example",)),
    ("http://spoofed.example/", ("",)),
    ("http://xn--mnchen-3ya.example/", ("127.0.0.1",)),
)
"""Names that are good, and what they become."""

TARGETS = (
    *f"{LOOPBACK}{PRIVATE}{METADATA}{SPELLING}".split(),
    *INVISIBLE,
    *FOREIGN,
    *GIANT,
)
"""Refused before anything is resolved."""
