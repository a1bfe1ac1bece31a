"""Points the vendor's own Python SDK at virtual Feetech servos on a pseudo-terminal.

    pip install ftservo-python-sdk==2.0.1
    python3 firmware-bridge/tests/feetech_sdk.py

The far end is `cargo run --example virtual_bus -- --protocol feetech 1 2 3`, or any other command given as arguments
that prints the path of a serial port on its first line and serves servos 1, 2 and 3 there until its input is closed.
"""

import subprocess
import sys
import time

import scservo_sdk as sdk

FAR_END = "cargo run --quiet --package firmware-bridge --example virtual_bus -- --protocol feetech 1 2 3".split()
# The SDK waits 34 ms for an answer, which a busy machine may not keep. A servo that is not there never answers.
TRIES = 5


def again(what):
    """What `what` returns once its communication result, the one before last, is a success; or the last of all."""
    for _ in range(TRIES):
        found = what()
        if found[-2] == sdk.COMM_SUCCESS:
            break
        port.ser.reset_input_buffer()
    return found


def check(name, found, expected, tolerance=0):
    ok = found == expected if tolerance == 0 else abs(found - expected) <= tolerance
    print("ok  " if ok else "FAIL", name, found, "" if ok else f"where {expected} was expected", flush=True)
    failures.append(name) if not ok else None


def read(id, address):
    return again(lambda: servo.read2ByteTxRx(id, address))


failures = []
far_end = subprocess.Popen(sys.argv[1:] or FAR_END, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    path = far_end.stdout.readline().split()[-1]
    port = sdk.PortHandler(path)
    assert port.openPort() and port.setBaudRate(1_000_000)
    servo = sdk.sms_sts(port)

    for id in (1, 2, 3):
        model, result, error = again(lambda: servo.ping(id))
        check(f"servo {id} answers a ping with its model", (model, result, error), (777, sdk.COMM_SUCCESS, 0))
    _, result, _ = servo.ping(4)
    check("servo 4 is not there", result, sdk.COMM_RX_TIMEOUT)

    position, result, error = again(lambda: servo.ReadPos(1))
    check("servo 1 stands in the middle", (position, result, error), (2048, sdk.COMM_SUCCESS, 0))
    for id in (1, 2, 3):
        result, error = again(lambda: servo.write1ByteTxRx(id, sdk.SMS_STS_TORQUE_ENABLE, 1))
        check(f"servo {id} takes its torque", (result, error), (sdk.COMM_SUCCESS, 0))

    result, error = again(lambda: servo.WritePosEx(1, 3000, 2400, 50))
    check("servo 1 takes a goal", (result, error), (sdk.COMM_SUCCESS, 0))
    time.sleep(0.15)
    moving, result, _ = again(lambda: servo.ReadMoving(1))
    check("servo 1 moves", (moving, result), (1, sdk.COMM_SUCCESS))
    time.sleep(1.5)
    position, speed, result, _ = again(lambda: servo.ReadPosSpeed(1))
    check("servo 1 arrives", position, 3000, 2)
    check("servo 1 stands", speed, 0, 1)

    again(lambda: servo.RegWritePosEx(2, 1000, 3000, 100))
    time.sleep(0.3)
    check("servo 2 waits for an action", again(lambda: servo.ReadPos(2))[0], 2048)
    servo.RegAction()
    time.sleep(1.5)
    check("servo 2 has done it", again(lambda: servo.ReadPos(2))[0], 1000, 2)

    for id, goal in ((1, 2500), (2, 1500), (3, 2100)):
        assert servo.SyncWritePosEx(id, goal, 3000, 100)
    check("goals for three", servo.groupSyncWrite.txPacket(), sdk.COMM_SUCCESS)
    time.sleep(1.5)
    for _ in range(TRIES):
        group = sdk.GroupSyncRead(servo, sdk.SMS_STS_PRESENT_POSITION_L, 8)
        assert all(group.addParam(id) for id in (1, 2, 3))
        result = group.txRxPacket()
        if result == sdk.COMM_SUCCESS:
            break
    check("three are read at once", result, sdk.COMM_SUCCESS)
    for id, goal in ((1, 2500), (2, 1500), (3, 2100)):
        available, _ = group.isAvailable(id, sdk.SMS_STS_PRESENT_POSITION_L, 2)
        check(f"servo {id} is among them", available, True)
        check(f"servo {id} is there", group.getData(id, sdk.SMS_STS_PRESENT_POSITION_L, 2), goal, 2)

    again(lambda: servo.WheelMode(3))
    again(lambda: servo.WriteSpec(3, -500, 50))
    time.sleep(0.5)
    check("servo 3 turns backwards", again(lambda: servo.ReadSpeed(3))[0], -500, 2)
    again(lambda: servo.WriteSpec(3, 0, 50))
    check("servo 3's lock is opened", again(lambda: servo.unLockEprom(3)), (sdk.COMM_SUCCESS, 0))
    check("and closed", again(lambda: servo.LockEprom(3)), (sdk.COMM_SUCCESS, 0))
    voltage, result, _ = again(lambda: servo.read1ByteTxRx(3, sdk.SMS_STS_PRESENT_VOLTAGE))
    check("servo 3 has 12 V", voltage, 120)
    port.closePort()
finally:
    far_end.stdin.close()
    far_end.wait(timeout=10)

print(f"{len(failures)} failures", *failures, sep="\n")
sys.exit(1 if failures else 0)
