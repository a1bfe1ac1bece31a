# What continuous integration checks, one by one. `just ci` is all of it, in this order, and is what `.ci/run` runs.
# just: https://just.systems, `pip install rust-just` or `cargo install just`.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Environments and files of the checks; `cargo clean` removes them too.
scratch := "target/ci"

# Lists the recipes.
_default:
    @{{just_executable()}} --justfile {{justfile()}} --list --unsorted

# All checks, as continuous integration runs them
ci: format licences test lint doc link-firmware virtual-motors robots mission files ros-setup ros-lint ros-test ros-graph ros-faults

# Formatting of the Rust sources (`cargo fmt` mends it)
format: (_step "format")
    cargo fmt --all --check

# Licences, bans and sources of dependencies, by deny.toml; the declared Rust version against theirs
licences: (_step "licences")
    cargo test --quiet --workspace --test dependencies

# All tests that need no ROS 2, doctests too: about ten minutes the first time
test: (_step "tests")
    cargo test --workspace

# Clippy, warnings denied
lint: (_step "lints")
    cargo clippy --workspace --all-targets -- -D warnings

# Documentation, warnings denied: target/doc/adit_link/index.html and its neighbours
doc: (_step "documentation")
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# A cargo without rustup has no other targets.
#
# The link for a microcontroller, where rustup can fetch the target
link-firmware: (_step "the link, for a microcontroller")
    if rustup target add thumbv7em-none-eabihf; then \
        cargo build -p adit-link --target thumbv7em-none-eabihf; \
    fi

# The example is asked of the whole workspace, though one crate has it: then it is the one that the tests built.
#
# Virtual motors, driven by the vendors' and others' Python libraries
virtual-motors: (_step "virtual motors, by masters that are not ours")
    cargo build --quiet --workspace --example virtual_bus
    python3 -m venv --clear {{scratch}}/motors
    {{scratch}}/motors/bin/pip install --quiet dynamixel-sdk==4.1.0 ftservo-python-sdk==2.0.1 pydamiao==0.1.4
    {{scratch}}/motors/bin/python firmware-bridge/tests/dynamixel2_sdk.py {{virtual_bus}} | tail -1
    {{scratch}}/motors/bin/python firmware-bridge/tests/feetech_sdk.py {{virtual_bus}} --protocol feetech 1 2 3 | tail -1
    {{scratch}}/motors/bin/python firmware-bridge/tests/damiao_sdk.py {{virtual_bus}} --protocol damiao 1 2 3 | tail -1

# The vendor's library has no dependencies of its own choice installed: they are the three before it.
#
# Robots as they are sold: messages, a virtual Go2 and one in MuJoCo, by the vendor's Python library (in real time)
robots: (_step "robots, by programs that are not ours")
    cargo build --quiet --workspace --bins
    python3 -m venv --clear {{scratch}}/robots
    {{scratch}}/robots/bin/pip install --quiet cyclonedds==11.0.1 numpy==2.4.6 mujoco==4.0.0
    {{scratch}}/robots/bin/pip install --quiet --no-deps unitree-sdk2py-dimos==1.0.3
    {{scratch}}/robots/bin/python launch/tests/vendor/unitree_go.py target/debug/adit 1000
    {{twice}} {{scratch}}/robots/bin/python launch/tests/vendor/unitree_sdk.py target/debug/adit
    {{twice}} {{scratch}}/robots/bin/python launch/tests/vendor/two_masters.py target/debug/adit
    {{twice}} {{scratch}}/robots/bin/python launch/tests/vendor/mujoco_go2.py target/debug/adit
    {{twice}} {{scratch}}/robots/bin/python launch/tests/vendor/network_faults.py target/debug/adit

# The built-in mission `short`, into target/ci/short
mission: (_step "a short mission")
    rm -rf {{scratch}}/short
    cargo run --quiet -- mission short --quiet --out {{scratch}}/short

# Its report and its recording, opened by programs that are not ours
files: mission (_step "its files open")
    python3 -m venv --clear {{scratch}}/files
    {{scratch}}/files/bin/pip install --quiet rosbags mcap-ros2-support
    {{scratch}}/files/bin/python launch/tests/check_recording.py {{scratch}}/short/run.mcap
    {{scratch}}/files/bin/python launch/tests/check_report.py {{scratch}}/short

# A ROS 2 environment in .ros/, as `adit setup ros` makes it
ros-setup: (_step "ROS 2: setup")
    cargo run --quiet -- setup ros

# Clippy with the ROS 2 nodes
ros-lint: ros-setup (_step "ROS 2: lints of the nodes")
    @{{in_ros}}; cargo clippy --workspace --features launch/ros --all-targets -- -D warnings

# Tests of the ROS 2 nodes
ros-test: ros-setup (_step "ROS 2: tests of the nodes")
    @{{in_ros}}; cargo test --workspace --features launch/ros --lib -- realtime:: ros::

# The graph, by a client that is not ours: topics, action, lease, stops, recording (in real time)
ros-graph: ros-setup _ros-clients (_step "ROS 2: the graph, by a client that is not ours")
    @{{in_ros}}; {{twice}} python launch/tests/ros/graph.py target/debug/adit

# What the graph does when a part of it fails (in real time)
ros-faults: ros-setup _ros-clients (_step "ROS 2: faults")
    @{{in_ros}}; {{twice}} python launch/tests/ros/faults.py target/debug/adit

# Not in ci: builds with the declared Rust version, which rustup fetches
msrv:
    version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml); \
    rustup toolchain install "$version" --profile minimal --no-self-update; \
    cargo "+$version" check --workspace --all-targets --locked

# Not in ci: known vulnerabilities of dependencies (`cargo install cargo-deny`, and a network)
advisories:
    cargo deny check advisories

virtual_bus := "target/debug/examples/virtual_bus"

# ROS 2 in the shell of one line of a recipe.
in_ros := 'variables=$(cargo run --quiet -- env ros); eval "$variables"; export PYTHONPATH="${PYTHONPATH:-}:$PWD/' + scratch + '/clients"'

# These run in real time, on a machine that others use too, and no walk is the same twice. What fails twice in a row is
# broken.
twice := 'twice() { "$@" || { printf "\n== failed once, and is tried again\n"; "$@"; }; }; twice'

_ros-clients: ros-setup
    rm -rf {{scratch}}/clients
    @{{in_ros}}; python -m pip install --quiet --target {{scratch}}/clients rosbags mcap-ros2-support

_step NAME:
    @printf '\n== %s\n' '{{NAME}}'
