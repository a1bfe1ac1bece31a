//! Taking a Unitree robot over from the vendor's own service, one confirmed step after the other: two masters would fight over the
//! motors.
//!
//! ```text
//! CheckMode -> nobody moves it -------------------------------------------> taken over
//!     |  the service NAME does
//!     v
//! StandDown -> it lies -> ReleaseMode -> CheckMode ...
//! ```
//!
//! Sans-IO: [`poll_request`](TakeOver::poll_request) gives what to send, [`handle_response`](TakeOver::handle_response) takes what came.

use robot_interface::time::Stamp;

use crate::protocol::unitree_go::api::{CHECK_MODE, RELEASE_MODE, STAND_DOWN};
use crate::protocol::unitree_go::{Request, RequestHeader, RequestIdentity, RequestPolicy, Response};

/// Time that an answer may take, ns. The vendor's library waits as long.
const ANSWER_NANOS: u64 = 1_000_000_000;
/// Attempts at each question. The first may go out before the two sides have found each other.
const ATTEMPTS: u8 = 5;
/// Time that the robot has to lie down in once its service has said that it does, ns.
const LIE_DOWN_NANOS: u64 = 4_000_000_000;
/// Rounds of laying it down and releasing: the vendor's example asks until nobody is left.
const ROUNDS: u8 = 5;

/// The most of an answer that is quoted, characters.
const MAX_QUOTED: usize = 80;

/// One of the vendor's services: the topics are `rt/api/NAME/request` and `.../response`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Says and changes who moves the robot.
    MotionSwitcher,
    /// The vendor's gait.
    Sport,
}

impl Service {
    /// Name in its topics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MotionSwitcher => "motion_switcher",
            Self::Sport => "sport",
        }
    }
}

/// Failure to take a robot over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeOverError {
    /// No answer.
    #[error(
        "the robot's service {} does not answer: check --interface and --domain; a simulator has no such services, and is driven with --assume-released", service.name()
    )]
    Silent {
        /// Who was asked.
        service: Service,
    },
    /// It was refused.
    #[error(
        "the robot's service {} refuses api {api_id} with code {code}: lay the robot down with its remote control, or switch the service off in the vendor's app", service.name()
    )]
    Refused {
        /// Who was asked.
        service: Service,
        /// What for.
        api_id: i64,
        /// The vendor's number.
        code: i32,
    },
    /// An answer without a name.
    #[error(
        "the robot's answer to who moves it cannot be read ({data}): its software may be newer; it is not driven"
    )]
    Unreadable {
        /// The answer's beginning.
        data: String,
    },
    /// Somebody moves it again and again.
    #[error(
        "the robot's service `{name}` keeps the motors, though it was released: switch it off in the vendor's app"
    )]
    Kept {
        /// Its name.
        name: String,
    },
}

/// State of taking over.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A question is to be asked, or was.
    Asking {
        service: Service,
        api_id: i64,
        attempt: u8,
        asked: Option<Stamp>,
    },
    /// The robot lies down.
    LyingDown {
        until: Stamp,
    },
    /// Over.
    Done,
    Failed(TakeOverError),
}

/// Taking over of one robot.
#[derive(Clone, Debug)]
pub struct TakeOver {
    step: Step,
    /// Number of the newest request.
    id: i64,
    rounds: u8,
    /// The service that moved the robot when it was asked first.
    released: Option<String>,
}

impl TakeOver {
    /// Begins; requests are numbered from `first_id`, which should not be one of an earlier run.
    pub const fn new(first_id: i64) -> Self {
        Self { step: asking(Service::MotionSwitcher, CHECK_MODE), id: first_id, rounds: 0, released: None }
    }

    /// The next request to send, if it is time for one.
    pub fn poll_request(&mut self, now: Stamp) -> Option<(Service, Request<'static>)> {
        if let Step::LyingDown { until } = self.step
            && now >= until
        {
            self.step = asking(Service::MotionSwitcher, RELEASE_MODE);
        }
        let Step::Asking { service, api_id, attempt, asked } = &mut self.step else { return None };
        if asked.is_some_and(|at| now.nanos().saturating_sub(at.nanos()) < ANSWER_NANOS) {
            return None;
        }
        if *attempt == ATTEMPTS {
            let service = *service;
            self.step = Step::Failed(TakeOverError::Silent { service });
            return None;
        }
        (*attempt, *asked) = (*attempt + 1, Some(now));
        self.id += 1;
        let header = RequestHeader {
            identity: RequestIdentity { id: self.id, api_id: *api_id },
            lease_id: 0,
            policy: RequestPolicy::default(),
        };
        Some((*service, Request { header, parameter: "", binary: Vec::new() }))
    }

    /// Takes an answer of a service; one to another question is passed over.
    pub fn handle_response(&mut self, now: Stamp, from: Service, response: &Response<'_>) {
        let Step::Asking { service, api_id, .. } = self.step else { return };
        let identity = response.header.identity;
        if from != service || identity != (RequestIdentity { id: self.id, api_id }) {
            return;
        }
        let code = response.header.code;
        self.step = match (service, api_id) {
            _ if code != 0 => Step::Failed(TakeOverError::Refused { service, api_id, code }),
            (Service::MotionSwitcher, CHECK_MODE) => self.checked(response.data),
            (Service::Sport, _) => Step::LyingDown { until: now.plus_nanos(LIE_DOWN_NANOS) },
            (Service::MotionSwitcher, _) => asking(Service::MotionSwitcher, CHECK_MODE),
        };
    }

    /// What follows from the answer to who moves the robot, `{"form":"0","name":"NAME"}`.
    fn checked(&mut self, data: &str) -> Step {
        let Some(name) = mode_name(data) else {
            return Step::Failed(TakeOverError::Unreadable { data: data.chars().take(MAX_QUOTED).collect() });
        };
        if name.is_empty() {
            return Step::Done;
        }
        self.released.get_or_insert_with(|| name.to_owned());
        self.rounds += 1;
        if self.rounds > ROUNDS {
            return Step::Failed(TakeOverError::Kept { name: name.to_owned() });
        }
        asking(Service::Sport, STAND_DOWN)
    }

    /// The end: `None` while it goes on.
    pub fn outcome(&self) -> Option<Result<(), &TakeOverError>> {
        match &self.step {
            Step::Done => Some(Ok(())),
            Step::Failed(error) => Some(Err(error)),
            Step::Asking { .. } | Step::LyingDown { .. } => None,
        }
    }

    /// The service that had the motors and was released, by the vendor's name: to be given them back.
    pub fn released(&self) -> Option<&str> {
        self.released.as_deref()
    }

    /// The step in words.
    pub fn phase(&self) -> &'static str {
        match &self.step {
            Step::Asking { service: Service::MotionSwitcher, api_id: CHECK_MODE, .. } => {
                "asking who moves the robot"
            }
            Step::Asking { service: Service::MotionSwitcher, .. } => "releasing the robot's own service",
            Step::Asking { service: Service::Sport, .. } | Step::LyingDown { .. } => {
                "laying the robot down by its own service"
            }
            Step::Done => "taken over",
            Step::Failed(_) => "failed",
        }
    }
}

const fn asking(service: Service, api_id: i64) -> Step {
    Step::Asking { service, api_id, attempt: 0, asked: None }
}

/// Value of `name` in the answer's JSON: who moves the robot, empty if nobody does; `None` if the answer does not say.
pub fn mode_name(data: &str) -> Option<&str> {
    let (_, after) = data.split_once("\"name\"")?;
    let value = after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    value.split_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::unitree_go::ResponseHeader;

    const SECOND: u64 = 1_000_000_000;

    /// A take-over and a robot whose services answer.
    struct Bench {
        take_over: TakeOver,
        now: Stamp,
        asked: Vec<(Service, i64)>,
    }

    impl Bench {
        fn new() -> Self {
            Self { take_over: TakeOver::new(0), now: Stamp::ZERO, asked: Vec::new() }
        }

        /// Runs for so many seconds; `answer` gives code and data, or nothing.
        fn run(&mut self, seconds: u64, mut answer: impl FnMut(Service, i64) -> Option<(i32, &'static str)>) {
            for _ in 0..seconds * 100 {
                self.now = self.now.plus_nanos(SECOND / 100);
                let Some((service, request)) = self.take_over.poll_request(self.now) else { continue };
                let identity = request.header.identity;
                self.asked.push((service, identity.api_id));
                if let Some((code, data)) = answer(service, identity.api_id) {
                    let response =
                        Response { header: ResponseHeader { identity, code }, data, binary: Vec::new() };
                    self.take_over.handle_response(self.now, service, &response);
                }
            }
        }
    }

    #[test]
    fn a_service_that_moves_the_robot_lays_it_down_and_is_released() {
        let mut bench = Bench::new();
        let mut free = false;
        bench.run(10, |_, api_id| {
            free |= api_id == RELEASE_MODE;
            let who = if free { r#"{"form":"0","name":""}"# } else { r#"{"form":"0","name":"mcf"}"# };
            Some((0, if api_id == CHECK_MODE { who } else { "" }))
        });
        let (switcher, sport) = (Service::MotionSwitcher, Service::Sport);
        let steps =
            [(switcher, CHECK_MODE), (sport, STAND_DOWN), (switcher, RELEASE_MODE), (switcher, CHECK_MODE)];
        assert_eq!(bench.asked, steps);
        assert_eq!((bench.take_over.outcome(), bench.take_over.released()), (Some(Ok(())), Some("mcf")));
    }

    #[test]
    fn a_robot_that_nobody_moves_is_taken_at_once_and_left_standing_or_lying() {
        let mut bench = Bench::new();
        bench.run(1, |_, _| Some((0, r#"{"name" : ""}"#)));
        assert_eq!((bench.asked.len(), bench.take_over.outcome()), (1, Some(Ok(()))));
        assert_eq!(bench.take_over.released(), None);
    }

    #[test]
    fn silence_refusal_and_a_service_that_stays_are_told() {
        let mut bench = Bench::new();
        bench.run(7, |_, _| None);
        assert_eq!(bench.asked.len(), usize::from(ATTEMPTS));
        assert_eq!(
            bench.take_over.outcome(),
            Some(Err(&TakeOverError::Silent { service: Service::MotionSwitcher }))
        );
        let mut bench = Bench::new();
        bench.run(3, |service, _| {
            Some(if service == Service::Sport { (-3, "") } else { (0, r#"{"name":"ai"}"#) })
        });
        let refused = TakeOverError::Refused { service: Service::Sport, api_id: STAND_DOWN, code: -3 };
        assert_eq!(bench.take_over.outcome(), Some(Err(&refused)));
        let mut bench = Bench::new();
        bench.run(1, |_, _| Some((0, "[]")));
        assert_eq!(
            bench.take_over.outcome(),
            Some(Err(&TakeOverError::Unreadable { data: "[]".to_owned() }))
        );
        let mut bench = Bench::new();
        bench.run(60, |_, _| Some((0, r#"{"name":"ai"}"#)));
        assert_eq!(bench.take_over.outcome(), Some(Err(&TakeOverError::Kept { name: "ai".to_owned() })));
    }

    #[test]
    fn an_answer_to_another_question_is_passed_over() {
        let mut take_over = TakeOver::new(7);
        let (_, request) = take_over.poll_request(Stamp::ZERO).expect("the first");
        let mut identity = request.header.identity;
        identity.id -= 1;
        let response =
            Response { header: ResponseHeader { identity, code: 0 }, data: "", binary: Vec::new() };
        take_over.handle_response(Stamp::ZERO, Service::MotionSwitcher, &response);
        assert_eq!(take_over.outcome(), None);
    }

    #[test]
    fn names_are_found_in_answers() {
        for (data, name) in [
            (r#"{"form":"0","name":"mcf"}"#, Some("mcf")),
            (r#"{"name" : ""}"#, Some("")),
            ("{}", None),
            ("", None),
            (r#"{"name":3}"#, None),
            (r#""name":"x"#, None),
        ] {
            assert_eq!(mode_name(data), name, "{data}");
        }
    }
}
