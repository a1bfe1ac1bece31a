//! Requests to services of other nodes, whose answers are not waited for.

use std::future::Future;
use std::pin::Pin;

use futures::FutureExt;
use r2r::adit_msgs::srv::{AcquireLease, ReleaseLease};
use r2r::std_srvs::srv::Trigger;
use r2r::{Client, WrappedServiceTypeSupport};

/// The services that a mission needs.
pub(super) struct ServiceClients {
    pub(super) acquire: Client<AcquireLease::Service>,
    pub(super) release: Client<ReleaseLease::Service>,
    pub(super) report: Client<Trigger::Service>,
}

/// An answer on its way.
pub(super) struct Pending<T>(Pin<Box<dyn Future<Output = r2r::Result<T>>>>);

impl<T: 'static> Pending<T> {
    pub(super) fn ask<S>(client: &Client<S>, request: &S::Request) -> r2r::Result<Self>
    where
        S: WrappedServiceTypeSupport<Response = T> + 'static,
    {
        Ok(Self(Box::pin(client.request(request)?)))
    }

    /// The answer, once it has come.
    pub(super) fn take(&mut self) -> Option<r2r::Result<T>> {
        (&mut self.0).now_or_never()
    }
}
