//! Emergency stop (e-stop) with check-ins: any number of people or programs may hold one, and each must show again and again that it
//! is alive.
//!
//! Whoever registers gets a challenge. A check-in answers it with [`answer`] and gets the next, so that a program
//! that hangs and repeats itself, or a message that is delivered twice, keeps nothing alive. The model is the
//! e-stop of Boston Dynamics' Spot, levels included: a level of a check-in stands until the next one.
//!
//! | a holder's last check-in             | level                                       |
//! |--------------------------------------|---------------------------------------------|
//! | younger than its timeout             | as it said                                  |
//! | older                                | at least [`StopLevel::SettleThenCut`]       |
//! | older by [`CUT_AFTER_S`] more        | [`StopLevel::Cut`]                          |
//!
//! The level that counts is the highest of all. What it reached stays until [`Estop::reset`], which is refused
//! while any holder asks for more than [`StopLevel::None`].

pub use robot_interface::status::StopLevel;
use robot_interface::time::Stamp;

/// Time from a missed check-in, in which the robot lies down, to the cut, s.
pub const CUT_AFTER_S: f64 = 4.0;
/// Longest timeout that a holder may ask for, s.
pub const MAX_TIMEOUT_S: f64 = 60.0;
/// More holders than this are refused.
pub const MAX_HOLDERS: usize = 16;

/// Returns the answer to a challenge: its complement.
pub const fn answer(challenge: u64) -> u64 {
    !challenge
}

/// Reason for which a check-in, a registration or a reset was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EstopRefused {
    /// Nobody of that name.
    #[error("`{0}` holds no emergency stop: register first")]
    Unknown(String),
    /// A name that is taken and alive.
    #[error("`{0}` holds an emergency stop already: choose another name, or let that one deregister")]
    Taken(String),
    /// A name is needed.
    #[error("an emergency stop needs a holder: give a name that tells people who holds it")]
    Nameless,
    /// The challenge was not answered.
    #[error(
        "`{0}`: the answer does not fit the last challenge: answer each challenge once, with its complement"
    )]
    WrongAnswer(String),
    /// A timeout that cannot be meant.
    #[error("a timeout of {0} s is not possible: ask for more than 0 and at most {MAX_TIMEOUT_S} s")]
    Timeout(f64),
    /// Too many.
    #[error("{MAX_HOLDERS} holders already: deregister those that are not needed")]
    Full,
    /// Somebody still stops the robot.
    #[error(
        "`{0}` still stops the robot: it must check in with level NONE, or leave; if it is gone, register its name again and leave with that challenge"
    )]
    Held(String),
}

#[derive(Clone, Debug)]
struct Holder {
    name: String,
    timeout_s: f64,
    challenge: u64,
    level: StopLevel,
    at: Stamp,
}

impl Holder {
    fn level(&self, now: Stamp) -> StopLevel {
        let late_s = now.seconds_since(self.at) - self.timeout_s;
        if late_s <= 0.0 {
            self.level
        } else if late_s <= CUT_AFTER_S {
            self.level.max(StopLevel::SettleThenCut)
        } else {
            StopLevel::Cut
        }
    }
}

/// All holders' emergency stops of one robot.
#[derive(Clone, Debug, Default)]
pub struct Estop {
    holders: Vec<Holder>,
    /// The highest level since the last reset.
    latched: StopLevel,
}

impl Estop {
    /// Registers a holder, who must check in at least every `timeout_s`, and gives its first challenge. `fresh` must
    /// not be guessable. A new holder stops the robot until its first check-in says otherwise.
    ///
    /// # Errors
    /// [`EstopRefused`].
    pub fn register(
        &mut self,
        now: Stamp,
        name: &str,
        timeout_s: f64,
        fresh: impl FnOnce() -> u64,
    ) -> Result<u64, EstopRefused> {
        if name.trim().is_empty() {
            return Err(EstopRefused::Nameless);
        }
        if !(timeout_s > 0.0 && timeout_s <= MAX_TIMEOUT_S) {
            return Err(EstopRefused::Timeout(timeout_s));
        }
        // A holder that went away without a word may come back under its name; it has stopped the robot by then.
        let gone = |holder: &Holder| holder.name == name && now.seconds_since(holder.at) > holder.timeout_s;
        self.level(now);
        self.holders.retain(|holder| !gone(holder));
        if self.holders.iter().any(|holder| holder.name == name) {
            return Err(EstopRefused::Taken(name.to_owned()));
        }
        if self.holders.len() >= MAX_HOLDERS {
            return Err(EstopRefused::Full);
        }
        let challenge = fresh();
        let level = StopLevel::SettleThenCut;
        self.holders.push(Holder { name: name.to_owned(), timeout_s, challenge, level, at: now });
        Ok(challenge)
    }

    /// Takes a holder's sign of life with the level that it demands from now on, and gives the next challenge. A
    /// wrong answer raises the level all the same: whoever shouts stop is believed.
    ///
    /// # Errors
    /// [`EstopRefused`].
    pub fn check_in(
        &mut self,
        now: Stamp,
        name: &str,
        response: u64,
        level: StopLevel,
        fresh: impl FnOnce() -> u64,
    ) -> Result<u64, EstopRefused> {
        // What this holder or another let lapse until now counts, even if nobody has looked since.
        self.level(now);
        self.latched = self.latched.max(level);
        let holder = self.holder(name)?;
        if response != answer(holder.challenge) {
            holder.level = holder.level.max(level);
            return Err(EstopRefused::WrongAnswer(name.to_owned()));
        }
        (holder.level, holder.at, holder.challenge) = (level, now, fresh());
        Ok(holder.challenge)
    }

    /// A holder leaves in good order: it must answer its challenge, and what it stopped stays stopped until a reset.
    ///
    /// # Errors
    /// [`EstopRefused`].
    pub fn deregister(&mut self, now: Stamp, name: &str, response: u64) -> Result<(), EstopRefused> {
        self.level(now);
        let holder = self.holder(name)?;
        if response != answer(holder.challenge) {
            return Err(EstopRefused::WrongAnswer(name.to_owned()));
        }
        self.holders.retain(|holder| holder.name != name);
        Ok(())
    }

    /// Stops without being a holder, as a plain button does.
    pub fn stop(&mut self, level: StopLevel) {
        self.latched = self.latched.max(level);
    }

    /// Returns the level that counts now. To be asked regularly: what it reached stays.
    pub fn level(&mut self, now: Stamp) -> StopLevel {
        let held = self.holders.iter().map(|holder| holder.level(now)).max().unwrap_or_default();
        self.latched = self.latched.max(held);
        self.latched
    }

    /// Lets the robot move again.
    ///
    /// # Errors
    /// [`EstopRefused::Held`] while a holder asks for more than nothing.
    pub fn reset(&mut self, now: Stamp) -> Result<(), EstopRefused> {
        if let Some(holder) = self.holders.iter().find(|holder| holder.level(now) > StopLevel::None) {
            return Err(EstopRefused::Held(holder.name.clone()));
        }
        self.latched = StopLevel::None;
        Ok(())
    }

    /// Returns the names of all holders.
    pub fn holders(&self) -> impl Iterator<Item = &str> {
        self.holders.iter().map(|holder| holder.name.as_str())
    }

    fn holder(&mut self, name: &str) -> Result<&mut Holder, EstopRefused> {
        let found = self.holders.iter_mut().find(|holder| holder.name == name);
        found.ok_or_else(|| EstopRefused::Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: f64) -> Stamp {
        Stamp::from_nanos(100_000_000_000 + (s * 1e9) as u64)
    }

    /// An emergency stop with a holder that was last heard at 0 s.
    fn held() -> (Estop, u64) {
        let mut estop = Estop::default();
        let first = estop.register(at(0.0), "tablet", 1.0, || 0xA5).expect("free");
        assert_eq!(estop.level(at(0.0)), StopLevel::SettleThenCut, "not yet heard from");
        let next = estop.check_in(at(0.0), "tablet", answer(first), StopLevel::None, || 7).expect("right");
        estop.reset(at(0.0)).expect("nobody stops it");
        (estop, next)
    }

    #[test]
    fn a_holder_that_falls_silent_settles_and_then_cuts_the_robot() {
        let (mut estop, _) = held();
        assert_eq!(estop.level(at(0.99)), StopLevel::None);
        assert_eq!(estop.level(at(1.01)), StopLevel::SettleThenCut);
        assert_eq!(estop.level(at(4.99)), StopLevel::SettleThenCut);
        assert_eq!(estop.level(at(5.01)), StopLevel::Cut);
    }

    #[test]
    fn a_late_check_in_does_not_undo_what_the_silence_before_it_meant() {
        let (mut estop, challenge) = held();
        estop.check_in(at(5.5), "tablet", answer(challenge), StopLevel::None, || 8).expect("right");
        assert_eq!(estop.level(at(5.5)), StopLevel::Cut, "nobody had looked in between");
    }

    #[test]
    fn a_check_in_that_is_repeated_keeps_nothing_alive() {
        let (mut estop, challenge) = held();
        let right = answer(challenge);
        estop.check_in(at(0.5), "tablet", right, StopLevel::None, || 8).expect("right");
        let again = estop.check_in(at(1.4), "tablet", right, StopLevel::None, || 9);
        assert_eq!(again, Err(EstopRefused::WrongAnswer("tablet".to_owned())));
        assert_eq!(estop.level(at(1.6)), StopLevel::SettleThenCut);
    }

    #[test]
    fn whoever_shouts_stop_is_believed_and_it_stays_until_reset() {
        let (mut estop, challenge) = held();
        let wrong = estop.check_in(at(0.1), "tablet", 0, StopLevel::Cut, || 8);
        assert!(wrong.is_err());
        assert_eq!(estop.level(at(0.1)), StopLevel::Cut);
        assert_eq!(estop.reset(at(0.1)), Err(EstopRefused::Held("tablet".to_owned())));
        estop.check_in(at(0.2), "tablet", answer(challenge), StopLevel::None, || 8).expect("right");
        assert_eq!(estop.level(at(0.2)), StopLevel::Cut, "released, and not yet reset");
        estop.reset(at(0.3)).expect("released");
        assert_eq!(estop.level(at(0.3)), StopLevel::None);
    }

    #[test]
    fn the_highest_of_all_counts() {
        let (mut estop, _) = held();
        let challenge = estop.register(at(0.0), "fence", 5.0, || 1).expect("free");
        estop.check_in(at(0.0), "fence", answer(challenge), StopLevel::Cut, || 2).expect("right");
        assert_eq!(estop.level(at(0.1)), StopLevel::Cut);
        assert_eq!(estop.holders().collect::<Vec<_>>(), ["tablet", "fence"]);
    }

    #[test]
    fn leaving_needs_an_answer_and_undoes_nothing() {
        let (mut estop, challenge) = held();
        estop.stop(StopLevel::SettleThenCut);
        assert!(estop.deregister(at(0.1), "tablet", 1).is_err());
        estop.deregister(at(0.1), "tablet", answer(challenge)).expect("right");
        assert_eq!(estop.level(at(9.0)), StopLevel::SettleThenCut);
        estop.reset(at(9.0)).expect("nobody is left");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let (mut estop, _) = held();
        let mut refused =
            |name: &str, timeout_s| estop.register(at(0.0), name, timeout_s, || 1).expect_err(name);
        assert_eq!(refused(" ", 1.0), EstopRefused::Nameless);
        assert_eq!(refused("tablet", 1.0), EstopRefused::Taken("tablet".to_owned()));
        for timeout_s in [0.0, -1.0, f64::NAN, 61.0] {
            assert!(matches!(refused("b", timeout_s), EstopRefused::Timeout(_)));
        }
        assert!(estop.check_in(at(0.0), "nobody", 0, StopLevel::None, || 1).is_err());
        for number in 1..MAX_HOLDERS {
            estop.register(at(0.0), &number.to_string(), 1.0, || 1).expect("room");
        }
        assert_eq!(estop.register(at(0.0), "last", 1.0, || 1), Err(EstopRefused::Full));
    }

    /// A program that crashed may start again under its name, and finds the robot stopped.
    #[test]
    fn one_that_went_away_may_come_back() {
        let (mut estop, _) = held();
        assert!(estop.register(at(0.5), "tablet", 1.0, || 1).is_err());
        estop.register(at(2.0), "tablet", 1.0, || 1).expect("the first has fallen silent");
        assert_eq!(estop.level(at(2.0)), StopLevel::SettleThenCut);
    }
}
