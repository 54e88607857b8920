//! One thing for the writer to do, and how its result gets back.

use std::fmt;
use std::io;

use tokio::sync::oneshot;

use super::group::Group;
use crate::sqlite::dedupe::builder::Built;
use crate::sqlite::failure::{Failure, Fault};
use crate::{AcceptError, Accepted, Batch, StorageError};

/// One thing for the writer to do.
pub(in crate::sqlite) enum Work {
    /// Events to be appended.
    Accept(Accept),
    /// Anything that someone waits for but events.
    Request(Box<dyn Request>),
    /// A run of duplicate detection to be registered.
    Built(io::Result<Built>),
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept(_) => "Accept",
            Self::Request(_) => "Request",
            Self::Built(_) => "Built",
        })
    }
}

impl Work {
    /// A batch, and where its answer will arrive.
    pub(in crate::sqlite) fn accept(
        batch: Batch,
    ) -> (Self, oneshot::Receiver<Result<Accepted, AcceptError>>) {
        let (reply, answer) = oneshot::channel();
        let bytes = batch.events.iter().map(|event| event.fields.len() + 256);
        let accept = Accept {
            bytes: bytes.sum(),
            batch,
            outcome: None,
            reply,
        };
        (Self::Accept(accept), answer)
    }

    /// An operation within the next transaction, and where its answer will arrive. Run again when
    /// the first transaction is rolled back for the sake of others.
    pub(in crate::sqlite) fn request<T: Send + 'static>(
        operation: impl FnMut(&mut Group<'_>) -> Result<Result<T, StorageError>, Fault> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<T, StorageError>>) {
        let (reply, answer) = oneshot::channel();
        let ask = Ask {
            operation,
            outcome: None,
            reply,
        };
        (Self::Request(Box::new(ask)), answer)
    }

    pub(super) fn is_batch(&self) -> bool {
        matches!(self, Self::Accept(_))
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Accept(accept) => accept.bytes,
            Self::Request(_) | Self::Built(_) => 0,
        }
    }

    /// Sends the answer: the outcome, if the transaction is durable.
    pub(super) fn answer(self, committed: Result<(), &Failure>) {
        match self {
            Self::Accept(accept) => accept.answer(committed),
            Self::Request(request) => request.answer(committed),
            Self::Built(_) => {}
        }
    }
}

/// A batch with its outcome.
pub(in crate::sqlite) struct Accept {
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    /// To be answered if the transaction becomes durable.
    pub(super) outcome: Option<Result<Accepted, AcceptError>>,
    reply: oneshot::Sender<Result<Accepted, AcceptError>>,
}

impl Accept {
    fn answer(self, committed: Result<(), &Failure>) {
        let outcome = match (self.outcome, committed) {
            // A refusal holds whatever became of the others.
            (Some(Err(refusal)), _) => Err(refusal),
            (_, Err(failure)) => Err(failure.clone().into()),
            (outcome, Ok(())) => outcome.unwrap_or(Err(AcceptError::Closed)),
        };
        // Whoever asked may have gone away.
        let _ = self.reply.send(outcome);
    }
}

/// An operation that someone waits for.
pub(in crate::sqlite) trait Request: Send {
    /// Does it, within the transaction.
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), Fault>;
    /// Sends the outcome.
    fn answer(self: Box<Self>, committed: Result<(), &Failure>);
}

struct Ask<T, O> {
    operation: O,
    outcome: Option<Result<T, StorageError>>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

impl<T, O> Request for Ask<T, O>
where
    T: Send,
    O: FnMut(&mut Group<'_>) -> Result<Result<T, StorageError>, Fault> + Send,
{
    fn run(&mut self, group: &mut Group<'_>) -> Result<(), Fault> {
        self.outcome = Some((self.operation)(group)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), &Failure>) {
        let outcome = match committed {
            Ok(()) => self.outcome.unwrap_or(Err(StorageError::Closed)),
            Err(failure) => Err(failure.clone().into()),
        };
        // Whoever asked may have gone away.
        let _ = self.reply.send(outcome);
    }
}
