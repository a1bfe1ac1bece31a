"""Points somebody else's master at virtual Damiao motors on a pseudo-terminal.

    pip install pydamiao==0.1.4
    python3 firmware-bridge/tests/damiao_sdk.py

pydamiao is unofficial, derived from the vendor's DM_CAN.py, and finds frames by the vendor's rule. The far end is
`cargo run --example virtual_bus -- --protocol damiao 1 2 3`, or any other command given as arguments that prints the
path of a serial port on its first line and serves DM4310 motors 1, 2 and 3 there, answering under 0x11, 0x12 and 0x13,
until its input is closed.
"""

import subprocess
import sys
import time

from pydamiao import ControlMode, MotorManager, MotorReg, MotorType, SerialBus

FAR_END = "cargo run --quiet --package firmware-bridge --example virtual_bus -- --protocol damiao 1 2 3".split()
failures = []


def check(name, found, expected, tolerance=0):
    ok = found == expected if tolerance == 0 else abs(found - expected) <= tolerance
    print("ok  " if ok else "FAIL", name, found, "" if ok else f"where {expected} was expected", flush=True)
    failures.append(name) if not ok else None


def hold(motor, seconds, **targets):
    """Commands one motor for some time, as a control loop would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        motor.set_mit(**targets).unwrap()
        time.sleep(0.005)


far_end = subprocess.Popen(sys.argv[1:] or FAR_END, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
try:
    path = far_end.stdout.readline().split()[-1]
    bus = SerialBus(path)
    manager = MotorManager(bus)
    motors = [manager.add_motor(MotorType.DM4310, id, 0x10 + id) for id in (1, 2, 3)]
    absent = manager.add_motor(MotorType.DM4310, 4, 0x14)
    for motor in motors:
        check(f"motor {motor.slave_id} gives its state", motor.refresh_state(2.0).is_ok, True)
        check("at zero", motor.get_position(), 0.0, 1e-3)
        check("under its CAN id", motor.read_param(MotorReg.MST_ID, 2.0).unwrap_or(None), motor.master_id)
        for register, limit in zip((MotorReg.PMAX, MotorReg.VMAX, MotorReg.TMAX), motor.limits):
            check(f"with its {register.name}", motor.read_param(register, 2.0).unwrap_or(-1.0), limit, 1e-6)
        check("in its mode", motor.read_param(MotorReg.CTRL_MODE, 2.0).unwrap_or(None), int(ControlMode.MIT))
    check("motor 4 is not there", absent.refresh_state(0.2).is_ok, False)

    first, second, _ = motors
    check("motor 1 takes its mode", first.set_mode(ControlMode.MIT, 2.0).is_ok, True)
    hold(first, 0.3, kp=30.0, kd=1.0, pos=1.0, vel=0.0, torque=0.0)
    check("a disabled motor stays", first.get_position(), 0.0, 1e-3)
    first.enable()
    hold(first, 2.0, kp=30.0, kd=1.0, pos=1.0, vel=0.0, torque=0.0)
    check("an enabled one goes", first.get_position(), 1.0, 0.01)
    # It reads the state "enabled" as a fault that it does not know.
    check("without a fault", first.fault, None)
    # Enabled, it would go on to its last target as counted from the new zero.
    first.disable()
    first.set_zero()
    time.sleep(0.1)
    first.refresh_state(2.0)
    check("and calls that zero", first.get_position(), 0.0, 0.01)

    check("motor 2 takes another mode", second.write_param(MotorReg.CTRL_MODE, int(ControlMode.VEL), 2.0).is_ok, True)
    second.enable()
    second.set_velocity(3.0).unwrap()
    time.sleep(1.0)
    second.refresh_state(2.0)
    check("and turns", second.get_velocity(), 3.0, 0.05)
    second.disable()
    check("and keeps its registers", second.write_param(MotorReg.TIMEOUT, 4000, 2.0).unwrap_or(None), 4000)
    for motor in motors:
        motor.disable()
    bus.close()
finally:
    far_end.stdin.close()
    far_end.wait(timeout=10)

print(f"{len(failures)} failures", *failures, sep="\n")
sys.exit(1 if failures else 0)
