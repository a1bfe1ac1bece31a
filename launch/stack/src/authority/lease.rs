//! Lease on the robot, the right to move it: one holder at a time, for a limited time. Who lacks it is refused, not queued.

use robot_interface::time::Stamp;

/// Longest time that one asking grants, s.
const MAX_DURATION_S: f64 = 10.0;

/// Reason for which a lease was not granted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LeaseRefused {
    /// Somebody else has it.
    #[error("`{owner}` holds the lease for another {left_s:.1} s: wait, or have it released")]
    Held {
        /// Its owner.
        owner: String,
        /// Time until it ends, s.
        left_s: f64,
    },
    /// A duration that cannot be meant.
    #[error(
        "a lease of {0} s is not possible: ask for more than 0 and at most {MAX_DURATION_S} s, and renew it"
    )]
    Duration(f64),
    /// Nobody to tell others about.
    #[error("a lease needs an owner: give the name of the node that will command the robot")]
    Nobody,
}

/// Holder of the lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Name of the node that commands.
    pub owner: String,
    /// Secret that its commands carry.
    pub token: String,
    /// End of the lease, by the monotonic clock.
    pub expires: Stamp,
}

/// The lease on one robot.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    holder: Option<Holder>,
}

impl Lease {
    /// Grants the lease for `duration_s`, or renews it when `token` is the holder's. `fresh` is the token of a
    /// new lease, which must not be guessable.
    ///
    /// # Errors
    /// [`LeaseRefused`] with the reason; whoever holds the lease keeps it then.
    pub fn acquire(
        &mut self,
        now: Stamp,
        owner: &str,
        token: &str,
        duration_s: f64,
        fresh: impl FnOnce() -> String,
    ) -> Result<&Holder, LeaseRefused> {
        if owner.trim().is_empty() {
            return Err(LeaseRefused::Nobody);
        }
        if !(duration_s > 0.0 && duration_s <= MAX_DURATION_S) {
            return Err(LeaseRefused::Duration(duration_s));
        }
        let token = match self.holder(now) {
            Some(holder) if holder.token == token => token.to_owned(),
            Some(holder) => {
                let left_s = holder.expires.seconds_since(now);
                return Err(LeaseRefused::Held { owner: holder.owner.clone(), left_s });
            }
            None => fresh(),
        };
        let expires = now.plus_nanos((duration_s * 1e9) as u64);
        Ok(self.holder.insert(Holder { owner: owner.to_owned(), token, expires }))
    }

    /// Gives the lease back; returns true if `token` was the holder's.
    pub fn release(&mut self, now: Stamp, token: &str) -> bool {
        let held = self.admits(now, token);
        if held {
            self.holder = None;
        }
        held
    }

    /// Returns the present holder.
    pub fn holder(&self, now: Stamp) -> Option<&Holder> {
        self.holder.as_ref().filter(|holder| now < holder.expires)
    }

    /// Returns true if `token` is that of the present holder.
    pub fn admits(&self, now: Stamp, token: &str) -> bool {
        self.holder(now).is_some_and(|holder| holder.token == token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Stamp {
        Stamp::from_nanos(s * 1_000_000_000)
    }

    #[test]
    fn one_holder_at_a_time_and_the_other_is_told_who() {
        let mut lease = Lease::default();
        lease.acquire(at(0), "teleop", "", 5.0, || "a".to_owned()).expect("free");
        let refused = lease.acquire(at(1), "mission", "", 5.0, || "b".to_owned()).expect_err("held");
        assert_eq!(refused, LeaseRefused::Held { owner: "teleop".to_owned(), left_s: 4.0 });
        assert!(refused.to_string().contains("teleop"));
        assert!(lease.admits(at(1), "a") && !lease.admits(at(1), "b") && !lease.admits(at(1), ""));
    }

    #[test]
    fn it_ends_by_itself_and_is_renewed_by_its_token() {
        let mut lease = Lease::default();
        lease.acquire(at(0), "teleop", "", 2.0, || "a".to_owned()).expect("free");
        lease.acquire(at(1), "teleop", "a", 2.0, || unreachable!()).expect("renewed");
        assert!(lease.admits(at(2), "a") && !lease.admits(at(3), "a"));
        // An expired token gives no claim: somebody may have led the robot elsewhere meanwhile.
        let holder = lease.acquire(at(3), "teleop", "a", 2.0, || "b".to_owned()).expect("free again");
        assert_eq!(holder.token, "b");
    }

    #[test]
    fn it_is_given_back_by_its_holder_only() {
        let mut lease = Lease::default();
        lease.acquire(at(0), "teleop", "", 5.0, || "a".to_owned()).expect("free");
        assert!(!lease.release(at(1), "x") && lease.holder(at(1)).is_some());
        assert!(lease.release(at(1), "a") && lease.holder(at(1)).is_none());
        assert!(!lease.release(at(1), ""), "nobody's token is no token");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let mut lease = Lease::default();
        for duration_s in [0.0, -1.0, 10.1, f64::NAN, f64::INFINITY] {
            let refused = lease.acquire(at(0), "teleop", "", duration_s, || "a".to_owned());
            assert!(matches!(refused, Err(LeaseRefused::Duration(_))), "{duration_s}");
        }
        assert_eq!(lease.acquire(at(0), " ", "", 1.0, || "a".to_owned()), Err(LeaseRefused::Nobody));
    }
}
