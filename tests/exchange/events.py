"""The shapes of the events that matter on an Exchange server: providers, ids, and the names of their Data."""
from evtx import Kind

EVENTLOG_SCHEMA = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"
AUDIT_SUCCESS = 0x8020000000000000

# MSExchange Management: Data[0] is the cmdlet, Data[1] its parameters; 1 succeeded, 6 failed, 8 broke.
CMDLET_SUCCEEDED = Kind("MSExchange CmdletLogs", 1, task=1, level=4, qualifiers=0x4000, keywords=0x80000000000000)
CMDLET_FAILED = Kind("MSExchange CmdletLogs", 6, task=1, level=2, qualifiers=0xC000, keywords=0x80000000000000)
CMDLET_BROKE = Kind("MSExchange CmdletLogs", 8, task=1, level=2, qualifiers=0xC000, keywords=0x80000000000000)

UM_ERROR = Kind("MSExchange Unified Messaging", 1438, task=1, level=2, qualifiers=0xC004, keywords=0x80000000000000)
UM_STARTED = Kind("MSExchange Unified Messaging", 1114, task=1, level=4, qualifiers=0x4004, keywords=0x80000000000000)
ECP_ERROR = Kind("MSExchange Control Panel", 4, task=1, level=2, qualifiers=0xC000, keywords=0x80000000000000)
ECP_STARTED = Kind("MSExchange Control Panel", 1, task=1, level=4, qualifiers=0x4000, keywords=0x80000000000000)
ASP_NET_WARNING = Kind("ASP.NET 4.0.30319.0", 1309, task=3, level=3, qualifiers=0x8000, keywords=0x80000000000000)

_SUBJECT = ("SubjectUserSid:sid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId:hex64")
SECURITY_GUID = "{54849625-5478-4994-A5BA-3E3B0328C30D}"
PROCESS_CREATED = Kind(
    "Microsoft-Windows-Security-Auditing", 4688,
    (*_SUBJECT, "NewProcessId:hex64", "NewProcessName", "TokenElevationType", "ProcessId:hex64", "CommandLine",
     "TargetUserSid:sid", "TargetUserName", "TargetDomainName", "TargetLogonId:hex64", "ParentProcessName",
     "MandatoryLabel:sid"),
    guid=SECURITY_GUID, version=2, level=0, task=13312, keywords=AUDIT_SUCCESS)
LOGGED_ON = Kind(
    "Microsoft-Windows-Security-Auditing", 4624,
    (*_SUBJECT, "TargetUserSid:sid", "TargetUserName", "TargetDomainName", "TargetLogonId:hex64", "LogonType:u32",
     "LogonProcessName", "AuthenticationPackageName", "WorkstationName", "LogonGuid:guid", "TransmittedServices",
     "LmPackageName", "KeyLength:u32", "ProcessId:hex64", "ProcessName", "IpAddress", "IpPort"),
    guid=SECURITY_GUID, version=2, level=0, task=12544, keywords=AUDIT_SUCCESS)
SECURITY_CLEARED = Kind("Microsoft-Windows-Eventlog", 1102, _SUBJECT, guid="{FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148}",
                        task=104, keywords=0x4020000000000000, user_data=("LogFileCleared", EVENTLOG_SCHEMA))
LOG_CLEARED = Kind("Microsoft-Windows-Eventlog", 104, ("SubjectUserName", "SubjectDomainName", "Channel", "BackupPath"),
                   guid="{FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148}", task=104, user_data=("LogFileCleared", EVENTLOG_SCHEMA))

SERVICE_INSTALLED = Kind("Service Control Manager", 7045,
                         ("ServiceName", "ImagePath", "ServiceType", "StartType", "AccountName"),
                         guid="{555908D1-A6D7-4695-8E1E-26931D2012F4}", qualifiers=16384, keywords=0x8080000000000000)
SERVICE_STATE = Kind("Service Control Manager", 7036, ("param1", "param2"),
                     guid="{555908D1-A6D7-4695-8E1E-26931D2012F4}", qualifiers=16384, keywords=0x8080000000000000)

_SYSMON_GUID = "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}"
SYSMON_PROCESS = Kind(
    "Microsoft-Windows-Sysmon", 1,
    ("RuleName", "UtcTime", "ProcessGuid:guid", "ProcessId:u32", "Image", "FileVersion", "Description", "Product",
     "Company", "OriginalFileName", "CommandLine", "CurrentDirectory", "User", "LogonGuid:guid", "LogonId:hex64",
     "TerminalSessionId:u32", "IntegrityLevel", "Hashes", "ParentProcessGuid:guid", "ParentProcessId:u32",
     "ParentImage", "ParentCommandLine", "ParentUser"),
    guid=_SYSMON_GUID, version=5, task=1)
SYSMON_FILE = Kind(
    "Microsoft-Windows-Sysmon", 11,
    ("RuleName", "UtcTime", "ProcessGuid:guid", "ProcessId:u32", "Image", "TargetFilename", "CreationUtcTime", "User"),
    guid=_SYSMON_GUID, version=2, task=11)

_TASK_GUID = "{DE7B24EA-73C8-4A09-985D-5BDADCFA9017}"
TASK_REGISTERED = Kind("Microsoft-Windows-TaskScheduler", 106, ("TaskName", "UserContext"), guid=_TASK_GUID, task=106)
TASK_ACTION = Kind("Microsoft-Windows-TaskScheduler", 200, ("TaskName", "ActionName", "TaskInstanceId:guid",
                                                            "EnginePID:u32"),
                   guid=_TASK_GUID, version=1, task=200, opcode=1)

SCRIPT_BLOCK = Kind("Microsoft-Windows-PowerShell", 4104,
                    ("MessageNumber:u32", "MessageTotal:u32", "ScriptBlockText", "ScriptBlockId", "Path"),
                    guid="{A0C1853B-5C40-4B15-8766-3CF1C58F985A}", version=1, level=5, task=2, opcode=15)
IIS_CONFIGURED = Kind("Microsoft-Windows-IIS-Configuration", 29,
                      ("PhysicalPath", "ConfigPath", "EditOperationType", "ConfigurationPath", "Configuration", "NewValue",
                       "OldValue"),
                      guid="{DC0B8E51-4863-407A-BC3C-1B479B2978AC}", task=5)

CHANNELS = {  # The file's name under Windows\System32\winevt\Logs → the channel.
    "Application.evtx": "Application",
    "System.evtx": "System",
    "Security.evtx": "Security",
    "MSExchange Management.evtx": "MSExchange Management",
    "Microsoft-Windows-TaskScheduler%4Operational.evtx": "Microsoft-Windows-TaskScheduler/Operational",
    "Microsoft-Windows-PowerShell%4Operational.evtx": "Microsoft-Windows-PowerShell/Operational",
    "Microsoft-IIS-Configuration%4Operational.evtx": "Microsoft-IIS-Configuration/Operational",
    "Microsoft-Windows-Sysmon%4Operational.evtx": "Microsoft-Windows-Sysmon/Operational",
}
SYSTEM_SID = "S-1-5-18"
_NO_GUID = "{00000000-0000-0000-0000-000000000000}"


def cmdlet(name, parameters, user="corp.example/Users/Administrator", error=""):
    """The Data of an MSExchange Management event."""
    return [name, parameters, user, "S-1-5-21-1004336348-1177238915-682003330-500", "", "Remote-ManagementShell-Unknown",
            "9184 w3wp#MSExchangePowerShellAppPool", "", "16", "00:00:00.0937512",
            "View Entire Forest: 'True', Configuration Domain Controller: 'DC01.corp.example'", error, ""]


def process(image, command, parent, user="SYSTEM", pid=0x1a2c):
    """The fields of a Security 4688."""
    return {"SubjectUserSid": SYSTEM_SID, "SubjectUserName": user, "SubjectDomainName": "CORP", "SubjectLogonId": 0x3e7,
            "NewProcessId": pid, "NewProcessName": image, "TokenElevationType": "%%1936", "ProcessId": 0x2b3c,
            "CommandLine": command, "TargetUserSid": "S-1-0-0", "TargetUserName": "-", "TargetDomainName": "-",
            "TargetLogonId": 0, "ParentProcessName": parent, "MandatoryLabel": "S-1-16-16384"}


def sysmon_process(image, command, parent, parent_command, when):
    """The fields of a Sysmon 1; `when` is its UtcTime as text."""
    unique = "{5AA13A44-10B3-68FC-4E1E-000000004002}"
    return {"RuleName": "-", "UtcTime": when, "ProcessGuid": unique, "ProcessId": 6700, "Image": image,
            "FileVersion": "10.0.14393.0", "Description": "-", "Product": "-", "Company": "-",
            "OriginalFileName": image.rsplit("\\", 1)[-1], "CommandLine": command,
            "CurrentDirectory": "c:\\windows\\system32\\inetsrv\\", "User": "NT AUTHORITY\\SYSTEM", "LogonGuid": unique,
            "LogonId": 0x3e7, "TerminalSessionId": 0, "IntegrityLevel": "System", "Hashes": "SHA256=" + "0" * 64,
            "ParentProcessGuid": unique, "ParentProcessId": 11068, "ParentImage": parent,
            "ParentCommandLine": parent_command, "ParentUser": "NT AUTHORITY\\SYSTEM"}


def sysmon_file(image, target, when):
    """The fields of a Sysmon 11."""
    return {"RuleName": "-", "UtcTime": when, "ProcessGuid": "{5AA13A44-10B3-68FC-4E1E-000000004002}", "ProcessId": 7012,
            "Image": image, "TargetFilename": target, "CreationUtcTime": when, "User": "NT AUTHORITY\\SYSTEM"}


def logon(user, address, kind=3):
    """The fields of a Security 4624."""
    return {"SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": 0,
            "TargetUserSid": "S-1-5-21-1004336348-1177238915-682003330-1104", "TargetUserName": user,
            "TargetDomainName": "CORP", "TargetLogonId": 0x51c3a, "LogonType": kind, "LogonProcessName": "Kerberos",
            "AuthenticationPackageName": "Kerberos", "WorkstationName": "-", "LogonGuid": _NO_GUID,
            "TransmittedServices": "-", "LmPackageName": "-", "KeyLength": 0, "ProcessId": 0, "ProcessName": "-",
            "IpAddress": address, "IpPort": "0"}


def script(text, path=""):
    """The fields of a PowerShell 4104."""
    return {"MessageNumber": 1, "MessageTotal": 1, "ScriptBlockText": text,
            "ScriptBlockId": "8f0f1a4c-6c8e-4d55-8f5a-2f6f0f5f1d11", "Path": path}
