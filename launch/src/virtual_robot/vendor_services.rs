//! Stand-ins for the services of a Unitree robot: `motion_switcher` says and changes who moves the robot, `sport` moves it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_dds::{Participant, Publication, Subscription};
use firmware_bridge::protocol::unitree_go::{
    Request, Response, ResponseHeader, SportModeState, TimeSpec, api,
};
use firmware_bridge::robot::Service;
use robot_interface::state::VelocityCommand;
use robot_interface::status::GaitMode;
use robot_interface::time::Stamp;
use serde_json::{Value, json};

use super::sport_stand_in::SportStandIn;
use crate::robot_link::{LinkError, Topic, request_topic, response_topic};

/// Name of the vendor's gait, as newer robots have it.
const NAME: &str = "mcf";
/// Simulated time between two states of the gait: 50 Hz.
const STATE_NANOS: u64 = 20_000_000;
/// The vendor's answer to what cannot be done now.
const REFUSED: i32 = -1;

pub(super) struct VendorServices {
    requests: Receiver<(Service, Vec<u8>)>,
    responses: BTreeMap<Service, Publication>,
    state: Publication,
    reported: Option<Stamp>,
    _subscriptions: Vec<Subscription>,
}

impl VendorServices {
    pub(super) fn open(participant: &Participant) -> Result<Self, LinkError> {
        let (sender, requests) = channel();
        let (mut responses, mut subscriptions) = (BTreeMap::new(), Vec::new());
        for service in [Service::MotionSwitcher, Service::Sport] {
            let name = service.name();
            responses.insert(service, participant.publish(&response_topic(name), Topic::RESPONSE_TYPE)?);
            let sender = sender.clone();
            let asked = participant.subscribe(&request_topic(name), Topic::REQUEST_TYPE, move |sample| {
                // The robot has ended.
                let _ = sender.send((service, sample.bytes));
            });
            subscriptions.push(asked?);
        }
        let topic = Topic::SPORT_STATE;
        let state = participant.publish(topic.name, topic.type_name)?;
        Ok(Self { requests, responses, state, reported: None, _subscriptions: subscriptions })
    }

    /// Does what was asked since the last call, and reports the gait's state if it is time.
    pub(super) fn serve(&mut self, now: Stamp, gait: &mut SportStandIn, has_motors: &AtomicBool) {
        while let Ok((service, bytes)) = self.requests.try_recv() {
            let request = match Request::decode(&bytes) {
                Ok(request) => request,
                Err(why) => {
                    tracing::warn!("a request to {} cannot be read: {why}", service.name());
                    continue;
                }
            };
            let answer = match service {
                Service::MotionSwitcher => Some(switch(&request, has_motors)),
                // Switched off, it hears nobody.
                Service::Sport if has_motors.load(Ordering::Relaxed) => Some(sport(now, &request, gait)),
                Service::Sport => None,
            };
            let Some((code, data)) = answer.filter(|_| !request.header.policy.noreply) else { continue };
            let header = ResponseHeader { identity: request.header.identity, code };
            self.send(service, &Response { header, data: &data, binary: Vec::new() });
        }
        let is_due = self.reported.is_none_or(|at| now.nanos() - at.nanos() >= STATE_NANOS);
        if is_due && has_motors.load(Ordering::Relaxed) {
            self.reported = Some(now);
            self.report(gait);
        }
    }

    fn send(&self, service: Service, response: &Response<'_>) {
        if let Some(publication) = self.responses.get(&service)
            && let Err(why) = publication.write(&response.encode())
        {
            tracing::warn!("{why}");
        }
    }

    fn report(&self, gait: &SportStandIn) {
        let state = gait.state();
        let place = state.map_from_base.isometry.translation.vector.cast::<f32>();
        let message = SportModeState {
            stamp: system_time(),
            mode: gait.mode().number(),
            position: place.into(),
            body_height: place.z,
            velocity: state.velocity_m_s.cast::<f32>().into(),
            yaw_speed: state.angular_velocity_rad_s.z as f32,
            ..SportModeState::default()
        };
        if let Err(why) = self.state.write(&message.encode()) {
            tracing::warn!("{why}");
        }
    }
}

/// As on a robot, which goes by its own clock.
#[expect(clippy::disallowed_methods, reason = "a robot's clock on the wall, at its wire")]
fn system_time() -> TimeSpec {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeSpec { sec: now.as_secs() as i32, nanosec: now.subsec_nanos() }
}

/// The motion switcher's answer.
fn switch(request: &Request<'_>, has_motors: &AtomicBool) -> (i32, String) {
    match request.header.identity.api_id {
        api::CHECK_MODE => {
            let name = if has_motors.load(Ordering::Relaxed) { NAME } else { "" };
            (0, json!({ "form": "0", "name": name }).to_string())
        }
        api::RELEASE_MODE => {
            has_motors.store(false, Ordering::Relaxed);
            (0, String::new())
        }
        api::SELECT_MODE => {
            has_motors.store(true, Ordering::Relaxed);
            (0, String::new())
        }
        _ => (REFUSED, String::new()),
    }
}

/// The gait's answer.
fn sport(now: Stamp, request: &Request<'_>, gait: &mut SportStandIn) -> (i32, String) {
    let mode = match request.header.identity.api_id {
        api::DAMP => GaitMode::Damped,
        api::STAND_UP | api::RECOVERY_STAND => GaitMode::StandUp,
        // One that lies already has done so.
        api::STAND_DOWN if gait.mode() == GaitMode::Damped => return (0, String::new()),
        api::STAND_DOWN => GaitMode::LieDown,
        api::BALANCE_STAND => return (0, String::new()),
        api::STOP_MOVE => {
            gait.walk(now, VelocityCommand::default());
            return (0, String::new());
        }
        api::MOVE => {
            return match velocity(request.parameter) {
                Some(velocity) => {
                    gait.walk(now, velocity);
                    (0, String::new())
                }
                None => (REFUSED, String::new()),
            };
        }
        _ => return (REFUSED, String::new()),
    };
    match gait.request(mode, now) {
        Ok(()) => (0, String::new()),
        Err(why) => {
            tracing::info!("{why}");
            (REFUSED, String::new())
        }
    }
}

/// `{"x": m/s, "y": m/s, "z": rad/s}`.
fn velocity(parameter: &str) -> Option<VelocityCommand> {
    let value: Value = serde_json::from_str(parameter).ok()?;
    let number = |key: &str| value.get(key).and_then(Value::as_f64).filter(|number| number.is_finite());
    Some(VelocityCommand { vx_m_s: number("x")?, vy_m_s: number("y")?, wz_rad_s: number("z")? })
}
