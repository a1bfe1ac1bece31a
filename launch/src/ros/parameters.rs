//! A node's parameters, with descriptions and ranges. r2r declares neither ranges nor read-only parameters, so the
//! services of `rcl_interfaces` are spoken here.

use std::collections::BTreeMap;

use anyhow::Context as _;
use r2r::rcl_interfaces::msg::{
    FloatingPointRange, ListParametersResult, Parameter as ParameterMsg, ParameterDescriptor, ParameterEvent,
    ParameterValue as ValueMsg, SetParametersResult,
};
use r2r::rcl_interfaces::srv::{
    DescribeParameters, GetParameterTypes, GetParameters, ListParameters, SetParameters,
    SetParametersAtomically,
};
use r2r::{Node, ParameterValue, Publisher, QosProfile, ServiceRequest};

use super::endpoint::{Inbox, respond};

/// A value, in the forms that Adit uses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Value {
    const fn kind(&self) -> u8 {
        // rcl_interfaces/msg/ParameterType.
        match self {
            Self::Bool(_) => 1,
            Self::Number(_) => 3,
            Self::Text(_) => 4,
        }
    }

    fn message(&self) -> ValueMsg {
        let mut message = ValueMsg { type_: self.kind(), ..ValueMsg::default() };
        match self {
            Self::Bool(value) => message.bool_value = *value,
            Self::Number(value) => message.double_value = *value,
            Self::Text(value) => message.string_value.clone_from(value),
        }
        message
    }

    fn from_message(message: &ValueMsg) -> Option<Self> {
        match message.type_ {
            1 => Some(Self::Bool(message.bool_value)),
            // A whole number will do where a number is wanted.
            2 => Some(Self::Number(message.integer_value as f64)),
            3 => Some(Self::Number(message.double_value)),
            4 => Some(Self::Text(message.string_value.clone())),
            _ => None,
        }
    }

    fn from_override(value: &ParameterValue) -> Option<Self> {
        match value {
            ParameterValue::Bool(value) => Some(Self::Bool(*value)),
            ParameterValue::Integer(value) => Some(Self::Number(*value as f64)),
            ParameterValue::Double(value) => Some(Self::Number(*value)),
            ParameterValue::String(value) => Some(Self::Text(value.clone())),
            _ => None,
        }
    }
}

/// A parameter as a node declares it.
pub(crate) struct Declared {
    description: &'static str,
    value: Value,
    /// Least and greatest number.
    range: Option<[f64; 2]>,
    read_only: bool,
}

/// Parameters that a node has declared, by name.
#[derive(Default)]
pub(crate) struct Declarations(BTreeMap<&'static str, Declared>);

impl Declarations {
    /// A number that may be changed within a range.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        value: f64,
        range: [f64; 2],
        description: &'static str,
    ) {
        let value = Value::Number(value);
        self.0.insert(name, Declared { description, value, range: Some(range), read_only: false });
    }

    /// Declares a parameter that is fixed when the node starts.
    pub(crate) fn fixed(&mut self, name: &'static str, value: Value, description: &'static str) {
        self.0.insert(name, Declared { description, value, range: None, read_only: true });
    }

    /// The number of that name; NaN if there is none.
    pub(crate) fn get(&self, name: &str) -> f64 {
        match self.0.get(name).map(|declared| &declared.value) {
            Some(Value::Number(value)) => *value,
            _ => f64::NAN,
        }
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        matches!(self.0.get(name).map(|declared| &declared.value), Some(Value::Bool(true)))
    }

    /// Takes what the command line or a launch file gave, read-only ones included.
    fn override_with(&mut self, node: &Node) -> anyhow::Result<()> {
        let given = node.params.lock().ok().context("the node's parameters are lost")?;
        for (name, parameter) in given.iter() {
            let Some(declared) = self.0.get_mut(name.as_str()) else {
                tracing::warn!("parameter {name} is not known and left alone; see `ros2 param list`");
                continue;
            };
            let value = Value::from_override(&parameter.value);
            let value = value.ok_or_else(|| anyhow::anyhow!("parameter {name} has the wrong type"))?;
            declared.check(name, &value).map_err(anyhow::Error::msg)?;
            declared.value = value;
        }
        Ok(())
    }

    /// Sets a parameter as a client asks.
    fn set(&mut self, name: &str, value: &ValueMsg) -> Result<(), String> {
        let known = self.0.get_mut(name);
        let declared = known.ok_or_else(|| format!("there is no parameter {name}: see list_parameters"))?;
        declared.admit(name, value).map(|value| declared.value = value)
    }

    /// Checks that a client may set it so.
    fn check(&self, name: &str, value: &ValueMsg) -> Result<(), String> {
        let known = self.0.get(name);
        let declared = known.ok_or_else(|| format!("there is no parameter {name}: see list_parameters"))?;
        declared.admit(name, value).map(|_| ())
    }
}

impl Declared {
    fn admit(&self, name: &str, value: &ValueMsg) -> Result<Value, String> {
        if self.read_only {
            return Err(format!("{name} is read-only: set it when the node is started"));
        }
        let value = Value::from_message(value).ok_or_else(|| format!("{name} has another type"))?;
        self.check(name, &value).map(|()| value)
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        if value.kind() != self.value.kind() {
            return Err(format!("{name} has another type: see describe_parameters"));
        }
        match (value, self.range) {
            (Value::Number(number), Some([least, most])) if !(least..=most).contains(number) => {
                Err(format!("{name} must be from {least} to {most}, not {number}"))
            }
            (Value::Number(number), None) if !number.is_finite() => Err(format!("{name} must be a number")),
            _ => Ok(()),
        }
    }

    fn descriptor(&self, name: &str) -> ParameterDescriptor {
        let range =
            self.range.map(|[from_value, to_value]| FloatingPointRange { from_value, to_value, step: 0.0 });
        ParameterDescriptor {
            name: name.to_owned(),
            type_: self.value.kind(),
            description: self.description.to_owned(),
            read_only: self.read_only,
            floating_point_range: range.into_iter().collect(),
            ..ParameterDescriptor::default()
        }
    }
}

/// The services around a node's parameters.
pub(crate) struct Services {
    node_name: String,
    get: Inbox<ServiceRequest<GetParameters::Service>>,
    set: Inbox<ServiceRequest<SetParameters::Service>>,
    set_atomically: Inbox<ServiceRequest<SetParametersAtomically::Service>>,
    list: Inbox<ServiceRequest<ListParameters::Service>>,
    describe: Inbox<ServiceRequest<DescribeParameters::Service>>,
    types: Inbox<ServiceRequest<GetParameterTypes::Service>>,
    events: Publisher<ParameterEvent>,
}

impl Services {
    /// Declares and serves; overrides from the command line are taken first.
    pub(crate) fn new(node: &mut Node, name: &str, declared: &mut Declarations) -> anyhow::Result<Self> {
        declared.override_with(node)?;
        let service = |what: &str| format!("{name}/{what}");
        Ok(Self {
            node_name: node.fully_qualified_name()?,
            get: Inbox::service(node, &service("get_parameters"))?,
            set: Inbox::service(node, &service("set_parameters"))?,
            set_atomically: Inbox::service(node, &service("set_parameters_atomically"))?,
            list: Inbox::service(node, &service("list_parameters"))?,
            describe: Inbox::service(node, &service("describe_parameters"))?,
            types: Inbox::service(node, &service("get_parameter_types"))?,
            events: node.create_publisher("/parameter_events", QosProfile::parameter_events())?,
        })
    }

    /// Answers what is asked.
    pub(crate) fn serve(&mut self, declared: &mut Declarations) {
        while let Some(request) = self.get.take() {
            let value = |name: &String| {
                declared.0.get(name.as_str()).map_or_else(ValueMsg::default, |known| known.value.message())
            };
            let values = request.message.names.iter().map(value).collect();
            respond(request, GetParameters::Response { values });
        }
        while let Some(request) = self.set.take() {
            let results = request.message.parameters.iter();
            let results = results.map(|p| result(declared.set(&p.name, &p.value))).collect::<Vec<_>>();
            let all = request.message.parameters.iter().zip(&results);
            self.tell(all.filter(|(_, r)| r.successful).map(|(p, _)| p.clone()).collect());
            respond(request, SetParameters::Response { results });
        }
        while let Some(request) = self.set_atomically.take() {
            let wanted = &request.message.parameters;
            let checked = wanted.iter().try_for_each(|p| declared.check(&p.name, &p.value));
            if checked.is_ok() {
                // Each was checked just now, so none is refused.
                wanted.iter().for_each(|p| drop(declared.set(&p.name, &p.value)));
                self.tell(wanted.clone());
            }
            respond(request, SetParametersAtomically::Response { result: result(checked) });
        }
        while let Some(request) = self.list.take() {
            let prefixes = &request.message.prefixes;
            let named = |name: &&str| prefixes.is_empty() || prefixes.iter().any(|p| p == name);
            let names = declared.0.keys().copied().filter(named).map(str::to_owned).collect();
            let result = ListParametersResult { names, prefixes: Vec::new() };
            respond(request, ListParameters::Response { result });
        }
        while let Some(request) = self.describe.take() {
            let describe = |name: &String| match declared.0.get(name.as_str()) {
                Some(known) => known.descriptor(name),
                None => ParameterDescriptor { name: name.clone(), ..ParameterDescriptor::default() },
            };
            let descriptors = request.message.names.iter().map(describe).collect();
            respond(request, DescribeParameters::Response { descriptors });
        }
        while let Some(request) = self.types.take() {
            let kind = |name: &String| declared.0.get(name.as_str()).map_or(0, |known| known.value.kind());
            let types = request.message.names.iter().map(kind).collect();
            respond(request, GetParameterTypes::Response { types });
        }
    }

    fn tell(&self, changed_parameters: Vec<ParameterMsg>) {
        if changed_parameters.is_empty() {
            return;
        }
        let event =
            ParameterEvent { node: self.node_name.clone(), changed_parameters, ..ParameterEvent::default() };
        if let Err(error) = self.events.publish(&event) {
            tracing::warn!("parameter_events: {error}");
        }
    }
}

fn result(set: Result<(), String>) -> SetParametersResult {
    SetParametersResult { successful: set.is_ok(), reason: set.err().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared() -> Declarations {
        let mut declared = Declarations::default();
        declared.number("speed", 0.5, [0.1, 1.0], "m/s");
        declared.fixed("robot", Value::Text("go2".to_owned()), "the robot");
        declared
    }

    #[test]
    fn a_number_stays_in_its_range() {
        let mut declared = declared();
        assert!(declared.set("speed", &Value::Number(0.7).message()).is_ok());
        for bad in [0.05, 1.1, f64::NAN, f64::INFINITY, -1.0] {
            let refused = declared.set("speed", &Value::Number(bad).message()).expect_err("out of range");
            assert!(refused.contains("0.1 to 1"), "{refused}");
        }
        assert_eq!(declared.get("speed"), 0.7);
        assert!(declared.set("speed", &Value::Text("fast".to_owned()).message()).is_err());
        assert!(declared.set("speed", &ValueMsg::default()).is_err());
        let whole = ValueMsg { type_: 2, integer_value: 1, ..ValueMsg::default() };
        assert!(declared.set("speed", &whole).is_ok());
    }

    #[test]
    fn what_is_fixed_or_unknown_is_refused_with_the_remedy() {
        let mut declared = declared();
        let text = Value::Text("x30".to_owned()).message();
        assert!(declared.set("robot", &text).expect_err("fixed").contains("read-only"));
        assert!(declared.set("sped", &text).expect_err("unknown").contains("list_parameters"));
    }
}
