//! Checks of a model's numbers before rapier takes them: it asserts some and carries on with others until nothing is finite.

use rapier3d_mjcf::mjcf_rs::Model;
use rapier3d_mjcf::mjcf_rs::body::{Body, Geom, GeomType, InertiaSpec, Joint, JointType};

/// Greatest size or distance within a robot, m.
const FAR_M: f64 = 100.0;
/// Greatest mass of a part, kg, and greatest moment, damping or stiffness in its units.
const MUCH: f64 = 1e5;

/// Refuses a model with a number that no robot has.
///
/// # Errors
/// The number, with its body and its attribute.
pub(super) fn check(model: &Model) -> Result<(), String> {
    for (_, entry) in model.bodies_iter() {
        let body = &entry.body;
        let name = body.name.as_deref().unwrap_or("without a name");
        check_body(body).map_err(|problem| format!("body `{name}`: {problem}"))?;
    }
    Ok(())
}

fn check_body(body: &Body) -> Result<(), String> {
    all("pos", &body.pose.translation.to_array(), -FAR_M..=FAR_M)?;
    all("orientation", &body.pose.rotation.to_array(), -1.001..=1.001)?;
    if let Some(inertial) = &body.inertial {
        all("inertial mass", &[inertial.mass], 0.0..=MUCH)?;
        all("inertial pos", &inertial.pose.translation.to_array(), -FAR_M..=FAR_M)?;
        all("inertial orientation", &inertial.pose.rotation.to_array(), -1.001..=1.001)?;
        match &inertial.inertia {
            InertiaSpec::Diagonal(moments) => all("diaginertia", moments, 0.0..=MUCH)?,
            InertiaSpec::Full(moments) => all("fullinertia", moments, -MUCH..=MUCH)?,
        }
    }
    body.joints.iter().try_for_each(check_joint)?;
    body.geoms.iter().try_for_each(check_geom)
}

fn check_joint(joint: &Joint) -> Result<(), String> {
    all("joint pos", &joint.pos, -FAR_M..=FAR_M)?;
    all("joint axis", &joint.axis, -MUCH..=MUCH)?;
    let has_axis = matches!(joint.type_, JointType::Hinge | JointType::Slide);
    if has_axis && joint.axis.iter().map(|v| v * v).sum::<f64>() < 1e-12 {
        return Err("joint axis has no direction".to_owned());
    }
    for (attribute, value) in [
        ("damping", joint.damping),
        ("stiffness", joint.stiffness),
        ("armature", joint.armature),
        ("frictionloss", joint.frictionloss),
    ] {
        all(attribute, &[value], 0.0..=MUCH)?;
    }
    if let Some(range) = joint.range {
        all("joint range", &range, -MUCH..=MUCH)?;
        if range[0] > range[1] {
            return Err(format!("joint range goes from {} to {}: swap them", range[0], range[1]));
        }
    }
    Ok(())
}

fn check_geom(geom: &Geom) -> Result<(), String> {
    all("geom pos", &geom.pose.translation.to_array(), -FAR_M..=FAR_M)?;
    all("geom orientation", &geom.pose.rotation.to_array(), -1.001..=1.001)?;
    all("geom size", &geom.size, 0.0..=FAR_M)?;
    all("geom fromto", &geom.fromto.unwrap_or_default(), -FAR_M..=FAR_M)?;
    all("geom friction", &geom.friction, 0.0..=MUCH)?;
    all("geom mass", &[geom.mass.unwrap_or_default()], 0.0..=MUCH)?;
    all("geom density", &[geom.density.unwrap_or_default()], 0.0..=MUCH)?;
    let needed = match geom.type_ {
        GeomType::Sphere => 1,
        GeomType::Capsule | GeomType::Cylinder if geom.fromto.is_some() => 1,
        GeomType::Capsule | GeomType::Cylinder => 2,
        GeomType::Box | GeomType::Ellipsoid => 3,
        _ => 0,
    };
    if geom.size[..needed].contains(&0.0) { Err("geom size is 0".to_owned()) } else { Ok(()) }
}

fn all(attribute: &str, values: &[f64], range: std::ops::RangeInclusive<f64>) -> Result<(), String> {
    match values.iter().find(|value| !range.contains(value)) {
        Some(value) => {
            Err(format!("{attribute} has {value:?}, and goes from {} to {}", range.start(), range.end()))
        }
        None => Ok(()),
    }
}
