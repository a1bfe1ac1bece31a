//! Requests to the services of a Unitree robot, and their answers.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use adit_dds::{Participant, Publication, Subscription};
use firmware_bridge::protocol::unitree_go::api::{self, CHECK_MODE, SELECT_MODE};
use firmware_bridge::protocol::unitree_go::{
    Request, RequestHeader, RequestIdentity, RequestPolicy, Response,
};
use firmware_bridge::robot::{Service, TakeOver, TakeOverError, mode_name};
use robot_interface::state::VelocityCommand;
use stack::VendorOrder;
use stack::realtime::monotonic;

use super::error::LinkError;
use super::topics::{Topic, request_topic, response_topic};

/// Attempts at a question, and the time that its answer may take, s.
const ATTEMPTS: u8 = 5;
const ANSWER_S: f64 = 1.0;
/// Sleep between two looks for an answer.
const LOOK: Duration = Duration::from_millis(5);

/// A client of the vendor's services.
pub(crate) struct ServiceClient {
    requests: BTreeMap<Service, Publication>,
    responses: Receiver<(Service, Vec<u8>)>,
    _subscriptions: Vec<Subscription>,
    /// Number of the next request.
    next_id: i64,
}

impl ServiceClient {
    pub(crate) fn open(participant: &Participant) -> Result<Self, LinkError> {
        let (sender, responses) = channel();
        let mut requests = BTreeMap::new();
        let mut subscriptions = Vec::new();
        for service in [Service::MotionSwitcher, Service::Sport] {
            let name = service.name();
            requests.insert(service, participant.publish(&request_topic(name), Topic::REQUEST_TYPE)?);
            let sender: Sender<(Service, Vec<u8>)> = sender.clone();
            let topic = response_topic(name);
            let answers = participant.subscribe(&topic, Topic::RESPONSE_TYPE, move |sample| {
                // Nobody waits any more.
                let _ = sender.send((service, sample.bytes));
            });
            subscriptions.push(answers?);
        }
        // Not one that an earlier run has used: answers carry it, and everybody hears them.
        let next_id = (monotonic().nanos() / 1000).cast_signed();
        Ok(Self { requests, responses, _subscriptions: subscriptions, next_id })
    }

    /// Takes the robot over, step by step; `on_phase` is called when a new one begins. Returns the service that was released, if one
    /// had the motors.
    ///
    /// # Errors
    /// [`TakeOverError`] if the robot cannot be had; [`LinkError::Stopped`] as soon as `is_stopped` says so.
    pub(crate) fn take_over(
        &mut self,
        mut on_phase: impl FnMut(&'static str),
        is_stopped: impl Fn() -> bool,
    ) -> anyhow::Result<Option<String>> {
        let mut take_over = TakeOver::new(self.next_id);
        let mut phase = "";
        loop {
            let now = monotonic();
            while let Ok((service, bytes)) = self.responses.try_recv() {
                match Response::decode(&bytes) {
                    Ok(response) => take_over.handle_response(now, service, &response),
                    Err(why) => tracing::debug!("an answer of {} cannot be read: {why}", service.name()),
                }
            }
            if let Some((service, request)) = take_over.poll_request(now) {
                self.send(service, &request);
            }
            if take_over.phase() != phase {
                phase = take_over.phase();
                on_phase(phase);
            }
            if let Some(outcome) = take_over.outcome() {
                self.next_id += 1000;
                outcome.map_err(Clone::clone)?;
                return Ok(take_over.released().map(str::to_owned));
            }
            if is_stopped() {
                return Err(LinkError::Stopped.into());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Name of the vendor's service that moves the robot; empty if none does.
    ///
    /// # Errors
    /// [`TakeOverError`] if the robot does not say.
    pub(crate) fn who_moves(&mut self) -> Result<String, TakeOverError> {
        for _ in 0..ATTEMPTS {
            let id = self.ask(Service::MotionSwitcher, CHECK_MODE, "", false);
            let asked = monotonic();
            while monotonic().seconds_since(asked) < ANSWER_S {
                let Ok((service, bytes)) = self.responses.recv_timeout(LOOK) else { continue };
                let Ok(response) = Response::decode(&bytes) else { continue };
                if (service, response.header.identity.id) == (Service::MotionSwitcher, id) {
                    let data: String = response.data.chars().take(80).collect();
                    return mode_name(response.data)
                        .map(str::to_owned)
                        .ok_or(TakeOverError::Unreadable { data });
                }
            }
        }
        Err(TakeOverError::Silent { service: Service::MotionSwitcher })
    }

    /// Gives an order to the vendor's gait. Its answer is not waited for: what follows shows in the robot's state.
    pub(crate) fn order(&mut self, order: VendorOrder) {
        let (api_id, parameter) = match order {
            VendorOrder::Damp => (api::DAMP, String::new()),
            VendorOrder::StandUp => (api::STAND_UP, String::new()),
            VendorOrder::BalanceStand => (api::BALANCE_STAND, String::new()),
            VendorOrder::StopMove => (api::STOP_MOVE, String::new()),
            VendorOrder::StandDown => (api::STAND_DOWN, String::new()),
            VendorOrder::Move(VelocityCommand { vx_m_s, vy_m_s, wz_rad_s }) => {
                (api::MOVE, serde_json::json!({ "x": vx_m_s, "y": vy_m_s, "z": wz_rad_s }).to_string())
            }
        };
        self.ask(Service::Sport, api_id, &parameter, matches!(order, VendorOrder::Move(_)));
    }

    /// Gives the motors to a service of the vendor's again.
    pub(crate) fn give_back(&mut self, name: &str) {
        let parameter = serde_json::json!({ "name": name }).to_string();
        self.ask(Service::MotionSwitcher, SELECT_MODE, &parameter, false);
    }

    /// Sends a request, and returns its number.
    fn ask(&mut self, service: Service, api_id: i64, parameter: &str, noreply: bool) -> i64 {
        self.next_id += 1;
        let header = RequestHeader {
            identity: RequestIdentity { id: self.next_id, api_id },
            lease_id: 0,
            policy: RequestPolicy { priority: 0, noreply },
        };
        self.send(service, &Request { header, parameter, binary: Vec::new() });
        self.next_id
    }

    fn send(&self, service: Service, request: &Request<'_>) {
        if let Some(publication) = self.requests.get(&service)
            && let Err(why) = publication.write(&request.encode())
        {
            tracing::warn!("{why}");
        }
    }
}
