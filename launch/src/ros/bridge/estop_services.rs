//! Services of the emergency stop: that of a button (`estop`) and of its holders (`estop/register`,
//! `estop/check_in`), and the clearing of joints' troubles (`robot/clear_fault`).

use std::sync::atomic::Ordering;

use firmware_bridge::safety::{Limit, Trip};
use r2r::adit_msgs::srv::{EstopCheckIn, EstopRegister};
use r2r::std_srvs::srv::{SetBool, Trigger};
use r2r::{Node, ServiceRequest};
use robot_interface::joints::{JOINT_NAMES, JOINTS};
use robot_interface::time::Stamp;
use stack::authority::estop::{Estop, StopLevel};

use crate::ros::endpoint::{Inbox, outcome, respond};
use stack::realtime::{ControlHandle, ControlReport};

type Asked<S> = Inbox<ServiceRequest<S>>;

/// Time after which it is said again that a limit acts on a joint, s.
const SAY_AGAIN_S: f64 = 10.0;

pub(super) struct EstopServices {
    estop: Estop,
    told: StopLevel,
    button: Asked<SetBool::Service>,
    register: Asked<EstopRegister::Service>,
    check_in: Asked<EstopCheckIn::Service>,
    clear: Asked<Trigger::Service>,
    trip: Option<Trip>,
    /// Time when it was last logged that a limit acts on a joint, and how often it had acted by then.
    said: [[Option<(Stamp, u32)>; Limit::ALL.len()]; JOINTS],
}

impl EstopServices {
    pub(super) fn new(node: &mut Node) -> r2r::Result<Self> {
        Ok(Self {
            estop: Estop::default(),
            told: StopLevel::None,
            button: Inbox::service(node, "estop")?,
            register: Inbox::service(node, "estop/register")?,
            check_in: Inbox::service(node, "estop/check_in")?,
            clear: Inbox::service(node, "robot/clear_fault")?,
            trip: None,
            said: [[None; Limit::ALL.len()]; JOINTS],
        })
    }

    /// The names of those who hold an emergency stop.
    pub(super) fn holders(&self) -> String {
        let names: Vec<_> = self.estop.holders().collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// Returns the level that the control loop was last told.
    pub(super) const fn level(&self) -> StopLevel {
        self.told
    }

    /// Tells the control loop what counts now.
    pub(super) fn tell(&mut self, now: Stamp, handle: &ControlHandle) {
        let level = self.estop.level(now);
        handle.estop.store(level as u8, Ordering::Release);
        if level != self.told {
            if level == StopLevel::None {
                tracing::info!("emergency stop reset");
            } else {
                tracing::warn!("emergency stop: {}", level.name());
            }
            self.told = level;
        }
    }

    /// Answers what is asked.
    pub(super) fn serve(&mut self, now: Stamp, handle: Option<&ControlHandle>) {
        while let Some(request) = self.button.take() {
            let answer = if request.message.data {
                self.estop.stop(StopLevel::Cut);
                Ok("stopped: the legs are let go; reset it with data false")
            } else {
                let reset = self.estop.reset(now);
                reset.map(|()| "reset: the robot moves when it is asked to stand up")
            };
            let success = answer.is_ok();
            let message = answer.map_or_else(|refused| refused.to_string(), ToOwned::to_owned);
            respond(request, SetBool::Response { success, message });
        }
        while let Some(request) = self.register.take() {
            let asked = &request.message;
            let answer = self.estop.register(now, &asked.holder, asked.timeout_s, rand::random);
            let response = match answer {
                Ok(challenge) => {
                    tracing::info!("`{}` holds an emergency stop", asked.holder);
                    EstopRegister::Response { accepted: true, challenge, message: String::new() }
                }
                Err(refused) => {
                    EstopRegister::Response { accepted: false, challenge: 0, message: refused.to_string() }
                }
            };
            respond(request, response);
        }
        while let Some(request) = self.check_in.take() {
            let response = self.checked_in(now, &request.message);
            respond(request, response);
        }
        while let Some(request) = self.clear.take() {
            let answer = match (handle, self.trip) {
                (None, _) => Err("the bridge is not active".to_owned()),
                (_, None) => Ok("there is no fault"),
                (Some(handle), Some(_)) => {
                    handle.clear.store(true, Ordering::Release);
                    Ok("cleared if the fault is gone: see robot_state")
                }
            };
            respond(request, outcome(answer));
        }
        if let Some(handle) = handle {
            self.tell(now, handle);
        }
    }

    fn checked_in(&mut self, now: Stamp, asked: &EstopCheckIn::Request) -> EstopCheckIn::Response {
        let level = StopLevel::from_number(asked.level);
        let mut answer = self.estop.check_in(now, &asked.holder, asked.response, level, rand::random);
        if asked.leave
            && let Ok(challenge) = answer
        {
            let left = self.estop.deregister(now, &asked.holder, stack::authority::estop::answer(challenge));
            answer = left.map(|()| 0);
        }
        let message = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        EstopCheckIn::Response {
            accepted: answer.is_ok(),
            challenge: answer.unwrap_or(0),
            level: self.estop.level(now) as u8,
            message,
        }
    }

    /// Logs which limit acts on which joint, and what trouble a joint has.
    pub(super) fn report(&mut self, now: Stamp, report: &ControlReport) {
        if let Some(trip) = report.trip
            && self.trip != report.trip
        {
            tracing::error!("{trip}");
        } else if report.trip.is_none() && self.trip.is_some() {
            tracing::info!("the fault is cleared");
        }
        self.trip = report.trip;
        for (joint, counts) in report.limited.iter().enumerate() {
            for limit in Limit::ALL {
                // A target that is moved on gradually is nothing to be told of: it happens at each step.
                let (said, count) = (&mut self.said[joint][limit as usize], counts.get(limit));
                let again = said.is_none_or(|(at, told)| now.seconds_since(at) > SAY_AGAIN_S && count > told);
                if count > 0 && again && limit != Limit::Slew {
                    let times = count - said.map_or(0, |(_, told)| told);
                    let text =
                        format!("{}: held to its {} limit, {times} times", JOINT_NAMES[joint], limit.name());
                    // At full torque a gait is now and then; the others are out of the ordinary.
                    if limit == Limit::Torque {
                        tracing::info!("{text}");
                    } else {
                        tracing::warn!("{text}");
                    }
                    *said = Some((now, count));
                }
            }
        }
    }
}
