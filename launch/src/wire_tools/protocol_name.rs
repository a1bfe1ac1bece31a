//! Protocols on the command line.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use firmware_bridge::scan::Protocol;

/// A protocol by its name on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProtocolName(pub(crate) Protocol);

impl ValueEnum for ProtocolName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [ProtocolName; Protocol::ALL.len()] = {
            let mut all = [ProtocolName(Protocol::ALL[0]); Protocol::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = ProtocolName(Protocol::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.title()))
    }
}
