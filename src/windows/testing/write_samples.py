"""A log, a hive and a program in the current folder, by the writers of the synthetic servers (tests/exchange, whose path
is the argument): they know nothing of the readers that are tested with them. What is in them stands in the test."""
import sys

sys.path.insert(0, sys.argv[1])
import evtx
import hive
import pe

AT = 1614729612
NAMED = evtx.Kind("Made", 7, ("Image", "Id:u32", "Sid:sid", "At:time"), guid="{00112233-4455-6677-8899-aabbccddeeff}")
CLASSIC = evtx.Kind("MSExchange CmdletLogs", 1, qualifiers=16384, keywords=0x80000000000000)

with evtx.Writer("log.evtx", "Made/Operational", "EX01", first_id=50) as log:
    for i in range(220):
        if i == 150:
            log.skip(9)
        if i % 2:
            log.add(CLASSIC, AT + i, ["New-MailboxExportRequest", "-FilePath é" + "x" * (i % 70), ""])
        else:
            log.add(NAMED, AT + i, {"Image": "C:\\" + "y" * (i % 90), "Id": i, "Sid": "S-1-5-18", "At": AT})
hive.write("SOFTWARE", "SOFTWARE", hive.software(r"D:\Exchange\V15", (15, 1, 2176, 2)))
pe.write("ExSetup.exe", (15, 1, 2176, 2), {"OriginalFilename": "ExSetup.exe"})
