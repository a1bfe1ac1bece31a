//! Numbers on their way between JSON and frames: written so that they pack to the same steps again, and read as
//! scripts write them.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::frame_json::FrameInputError;

/// A number as a frame has it. JSON has no word for what is not finite, so that becomes the string by which Python
/// and JavaScript know it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

const NOT_FINITE: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

impl Number {
    /// Of single precision, in as few digits as that needs.
    pub(super) fn single(value: f32) -> Self {
        Self::Real(shortest(value))
    }

    pub(super) const fn value(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    /// The number, for a field that moves a motor.
    pub(super) fn finite(self, field: &str) -> Result<f64, FrameInputError> {
        let value = self.value();
        if value.is_finite() {
            return Ok(value);
        }
        Err(FrameInputError::new(format!("{field} is {value}: a motor is sent finite numbers only")))
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Whole(value) => to.serialize_i64(value),
            Self::Real(value) if value.is_finite() => to.serialize_f64(value),
            Self::Real(value) if value.is_nan() => to.serialize_str(NOT_FINITE[0].0),
            Self::Real(value) => to.serialize_str(NOT_FINITE[if value > 0.0 { 1 } else { 2 }].0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Number;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Whole(value))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(i64::try_from(value).map_or(Number::Real(value as f64), Number::Whole))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Real(value))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let known = NOT_FINITE.iter().find(|(name, _)| *name == text);
                known
                    .map(|(_, value)| Number::Real(*value))
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(Reader)
    }
}

/// Takes the fraction off numbers that have none, such as 3.0: many scripts know no integers. A negative zero is
/// none to a frame with single-precision numbers, and stays.
pub(super) fn without_empty_fractions(value: &mut Value) {
    /// Integers up to here are exact in double precision.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT);
            if let Some(whole) = whole.filter(|number| *number != 0.0 || number.is_sign_positive()) {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(without_empty_fractions),
        Value::Object(object) => object.values_mut().for_each(without_empty_fractions),
        _ => {}
    }
}

/// The decimals by which to show what a frame carries, so that the frame made of them carries it again.
///
/// `carried` is what a frame carries of such numbers. Encoders truncate, as the vendors' do, and so the number that
/// a step stands for, shown in few digits, may come back as the step below. In order of preference: the shortest
/// decimal of single precision; one of its neighbours, which differs by no more than such numbers do anyway; the
/// number itself or its neighbour, where singles are coarser than the steps. What no number brings back (beyond the
/// encoder's limits) is shown by the first.
pub(super) fn settled<const N: usize>(exact: [f64; N], carried: impl Fn([f64; N]) -> [f64; N]) -> [f64; N] {
    let single: fn(f64) -> f64 = |value| shortest(value as f32);
    let others: [fn(f64) -> f64; 7] = [
        |value| shortest((value as f32).next_up()),
        |value| shortest((value as f32).next_down()),
        |value| shortest((value as f32).next_up().next_up()),
        |value| shortest((value as f32).next_down().next_down()),
        |value| value,
        f64::next_up,
        f64::next_down,
    ];
    let mut shown = exact.map(single);
    for other in others.into_iter().chain([single]) {
        let back = carried(shown);
        if back == exact {
            break;
        }
        for (index, shown) in shown.iter_mut().enumerate() {
            if back[index] != exact[index] {
                *shown = other(exact[index]);
            }
        }
    }
    shown
}

/// The double of the shortest decimal that means this single.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back_as_they_are_written() {
        for (number, text) in [
            (Number::Whole(35), "35"),
            (Number::single(0.1), "0.1"),
            (Number::single(f32::MAX), "3.4028235e+38"),
            (Number::Real(f64::INFINITY), "\"Infinity\""),
            (Number::Real(f64::NEG_INFINITY), "\"-Infinity\""),
        ] {
            assert_eq!(serde_json::to_string(&number).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Number>(text).expect(text).value(), number.value());
        }
        assert_eq!(serde_json::to_string(&Number::Real(f64::NAN)).expect("JSON"), "\"NaN\"");
        assert!(serde_json::from_str::<Number>("\"NaN\"").expect("a number").value().is_nan());
        assert!(serde_json::from_str::<Number>("\"1.0\"").is_err());
    }

    #[test]
    fn a_fraction_of_zero_is_no_fraction() {
        let mut value = serde_json::json!({"a": 3.0, "b": [-2.0, 0.5, {"c": 1e300}], "d": -0.0, "e": "3.0"});
        without_empty_fractions(&mut value);
        assert_eq!(value.to_string(), r#"{"a":3,"b":[-2,0.5,{"c":1e+300}],"d":-0.0,"e":"3.0"}"#);
    }

    /// Steps of an irrational width that are truncated toward zero, as in Unitree's commands.
    #[test]
    fn shown_numbers_pack_to_the_same_step() {
        let scale = 5_215.176_979;
        let carried = |[value]: [f64; 1]| [f64::from((value * scale) as i32) / scale];
        for step in (-(1 << 24)..1 << 24).step_by(9973) {
            let exact = f64::from(step) / scale;
            let [shown] = settled([exact], carried);
            assert_eq!(carried([shown]), [exact], "{step}");
            assert!((shown - exact).abs() <= 2.5e-7 * exact.abs(), "{shown} for {exact}");
        }
    }
}
