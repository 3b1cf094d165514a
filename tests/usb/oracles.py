#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Usage: oracles.py MODEL

Reads one meter of the square wave of 100 and 150 W (10 and 15 W for the FNB58) with
a client that is not ours, until both levels were seen, and prints what it read.
Started by the script oracles.
"""

import ctypes
import sys
import time

SECONDS = 20


def until_both(read, levels):
    """Readings come one by one; each must be one of the levels; ends when all were seen."""
    seen = set()
    end = time.monotonic() + SECONDS
    while seen != set(levels) and time.monotonic() < end:
        value = read()
        if value is None:
            continue
        if value not in levels:
            sys.exit(f"read {value}, expected one of {levels}")
        seen.add(value)
    print("watts", sorted(seen))
    if seen != set(levels):
        sys.exit(f"saw {seen} in {SECONDS} s, expected {levels}")


def wattsup():
    """libftdi1, as it drives a real FT232."""
    ftdi = ctypes.CDLL("libftdi1.so.2")
    ftdi.ftdi_new.restype = ctypes.c_void_p
    ftdi.ftdi_get_error_string.restype = ctypes.c_char_p
    context = ctypes.c_void_p(ftdi.ftdi_new())

    def call(name, *arguments):
        result = getattr(ftdi, name)(context, *arguments)
        if result < 0:
            sys.exit(f"{name}: {ftdi.ftdi_get_error_string(context).decode()}")
        return result

    call("ftdi_usb_open", 0x0403, 0x6001)
    call("ftdi_set_baudrate", 115200)
    call("ftdi_set_line_property", 8, 0, 0)
    call("ftdi_tcioflush")
    request = b"#V,R,0;#L,W,3,E,1,1;"
    call("ftdi_write_data", request, len(request))
    buffer = ctypes.create_string_buffer(256)
    text = ""

    def record():
        nonlocal text
        if "\n" not in text:
            length = call("ftdi_read_data", buffer, len(buffer))
            text += buffer.raw[:length].decode("ascii")
            return None
        line, text = text.split("\n", 1)
        print(line.strip())
        fields = line.strip().rstrip(";").split(",")
        if fields[0] != "#d":
            return None
        assert fields[1:3] == ["-", "18"] and len(fields) == 21, fields
        watts, volts, amperes = int(fields[3]) / 10, int(fields[4]) / 10, int(fields[5]) / 1000
        assert abs(int(fields[20]) / 10 - volts * amperes) < 0.2, "apparent power"
        return watts

    until_both(record, (100.0, 150.0))
    call("ftdi_write_data", b"#L,W,0;", 7)
    call("ftdi_usb_close")


def wt310e():
    """PyVISA with its own USBTMC."""
    import pyvisa

    manager = pyvisa.ResourceManager("@py")
    names = [name for name in manager.list_resources() if "C2TA00001E" in name]
    assert names, manager.list_resources()
    meter = manager.open_resource(names[0], timeout=2000)
    identity = meter.query("*IDN?").strip()
    print(names[0], identity)
    assert identity.split(",")[:1] == ["YOKOGAWA"] and len(identity.split(",")) == 4
    meter.write(":COMMUNICATE:HEADER OFF")
    meter.write(":NUMERIC:FORMAT ASCII")
    meter.write(":NUM:NORM:ITEM1 P,1")
    meter.write(":numeric:item2 U,1")
    meter.write(":NUMeric:NORMal:ITEM3 I,1")
    meter.write(":NUM:NUM 3")
    assert meter.query(":NUM:NORM:NUM?").strip() == "3"
    assert meter.query("*OPC?").strip() == "1"

    def value():
        watts, volts, amperes = map(float, meter.query(":NUMERIC:NORMAL:VALUE?").split(","))
        assert abs(volts * amperes - watts) < 0.01, (watts, volts, amperes)
        return watts

    until_both(value, (100.0, 150.0))
    meter.close()


def mcp39f511n():
    """The published request for both active powers, over CDC-ACM as any host does it."""
    import usb.core
    import usb.util

    device = usb.core.find(idVendor=0x04D8, idProduct=0x00DD)
    for interface in (0, 1):
        device.detach_kernel_driver(interface)
        usb.util.claim_interface(device, interface)
    data = device.get_active_configuration()[(1, 0)]
    print(device.product, device.serial_number, [hex(e.bEndpointAddress) for e in data])
    coding = (115200).to_bytes(4, "little") + bytes([0, 0, 8])
    device.ctrl_transfer(0x21, 0x20, 0, 0, coding)
    assert bytes(device.ctrl_transfer(0xA1, 0x21, 0, 0, 7)) == coding

    def ask(request, length):
        device.write(0x02, request)
        answer = b""
        while len(answer) < length:
            answer += bytes(device.read(0x82, 64, 2000))
        return answer

    def power():
        answer = ask(bytes.fromhex("a5084100164e085a"), 11)
        assert answer[:2] == b"\x06\x0b" and sum(answer[:-1]) & 0xFF == answer[-1], answer.hex()
        assert answer[6:10] == bytes(4), "the other outlet"
        return int.from_bytes(answer[2:6], "little", signed=True) / 100

    until_both(power, (100.0, 150.0))
    assert ask(bytes.fromhex("a5084100164e085b"), 1) == b"\x51", "a wrong sum"


def fnb58():
    """hidapi, with the requests as they were published, sums and all."""
    hid = ctypes.CDLL("libhidapi-libusb.so.0")
    hid.hid_open.restype = ctypes.c_void_p
    meter = ctypes.c_void_p(hid.hid_open(0x2E3C, 0x5558, None))
    if not meter:
        sys.exit("hid_open failed")
    text = ctypes.create_unicode_buffer(64)
    hid.hid_get_serial_number_string(meter, text, 64)
    print("serial number", text.value)
    assert text.value == "0001A0000000"

    def crc8(data):
        crc = 0x42
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = (crc << 1 ^ (0x39 if crc & 0x80 else 0)) & 0xFF
        return crc

    def send(kind, end):
        report = bytes([0xAA, kind]) + bytes(61) + bytes([end])
        assert crc8(report[1:63]) == end
        assert hid.hid_write(meter, b"\0" + report, 65) == 65

    buffer = ctypes.create_string_buffer(64)

    def sample():
        assert hid.hid_read_timeout(meter, buffer, 64, 2000) == 64
        report = buffer.raw
        assert report[0] == 0xAA and crc8(report[1:63]) == report[63], report.hex()
        if report[1] != 0x04:
            return None
        volts = int.from_bytes(report[2:6], "little") / 1e5
        amperes = int.from_bytes(report[6:10], "little") / 1e5
        return round(volts * amperes, 6)

    send(0x81, 0x8E)
    assert sample() is None
    send(0x82, 0x96)
    send(0x82, 0x96)
    until_both(sample, (10.0, 15.0))
    send(0x83, 0x9E)
    hid.hid_close(meter)


MODELS = {"wattsup": wattsup, "wt310e": wt310e, "mcp39f511n": mcp39f511n, "fnb58": fnb58}

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in MODELS:
        sys.exit(__doc__)
    MODELS[sys.argv[1]]()
