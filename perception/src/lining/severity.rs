//! Severity of a defect, by a table that a user may replace: the bounds here are those usually cited from the
//! FHWA/FTA Highway and Rail Transit Tunnel Inspection Manual (2005).

use robot_interface::defect::DefectClass;

/// Bounds at which one class of defect turns from minor to moderate to severe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeverityStep {
    /// The class.
    pub class: DefectClass,
    /// Letters before the severity.
    pub letters: &'static str,
    /// Sizes from which on it is moderate and severe, mm: of a crack its width, else its longest extent.
    pub bounds_mm: [f64; 2],
}

/// Severity table.
#[derive(Clone, Debug, PartialEq)]
pub struct SeverityRules(pub Vec<SeverityStep>);

impl Default for SeverityRules {
    fn default() -> Self {
        let step = |class, letters, bounds_mm| SeverityStep { class, letters, bounds_mm };
        Self(vec![
            step(DefectClass::Crack, "CR", [0.8, 3.2]),
            step(DefectClass::Leakage, "LE", [300.0, 1000.0]),
            step(DefectClass::Spalling, "SP", [75.0, 150.0]),
            step(DefectClass::Corrosion, "C", [100.0, 300.0]),
            step(DefectClass::HotJoint, "HJ", [0.0, 0.0]),
        ])
    }
}

impl SeverityRules {
    /// The code of a defect of this size (mm): letters, then 1 minor, 2 moderate, 3 severe; letters alone when the size is
    /// not known, because a severity would be a guess.
    pub fn code(&self, class: DefectClass, size_mm: Option<f64>) -> String {
        match (self.0.iter().find(|step| step.class == class), size_mm) {
            (Some(step), Some(size_mm)) => {
                let severity = 1 + step.bounds_mm.iter().filter(|bound| size_mm > **bound).count();
                format!("{}{severity}", step.letters)
            }
            (Some(step), None) => step.letters.to_owned(),
            (None, _) => class.name().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_bounds() {
        let rules = SeverityRules::default();
        let cases =
            [(Some(0.3), "CR1"), (Some(0.8), "CR1"), (Some(1.5), "CR2"), (Some(3.3), "CR3"), (None, "CR")];
        for (width_mm, code) in cases {
            assert_eq!(rules.code(DefectClass::Crack, width_mm), code);
        }
        assert_eq!(SeverityRules(vec![]).code(DefectClass::Leakage, Some(1.0)), "leakage");
    }
}
