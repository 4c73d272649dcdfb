//! What the worker is to do, from everything that may say so: the server, the lease, signals.

use smith_model::worker::{Directive, Want};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::session::Standing;

/// The newest order. From [`Order::Land`] on there is no way back to an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Work.
    Go,
    /// Wait before the next iteration.
    Pause(String),
    /// Stop soon, keeping the work.
    Land(String),
    /// End every process now; a person decided about the loop.
    Cancel(String),
    /// End every process now and change nothing: the attempt isn't this worker's any more.
    Abandon(String),
}

impl Order {
    fn rank(&self) -> u8 {
        match self {
            Self::Go | Self::Pause(_) => 0,
            Self::Land(_) => 1,
            Self::Cancel(_) => 2,
            Self::Abandon(_) => 3,
        }
    }

    /// Does it end the work?
    pub fn halts(&self) -> bool {
        self.rank() > 0
    }

    /// What these say together.
    fn of(directive: &Directive, standing: &Standing, terms: u32) -> Self {
        match standing {
            Standing::Fenced(why) | Standing::Away(why) => return Self::Abandon(why.clone()),
            Standing::Held | Standing::Lost => {}
        }
        if terms > 1 {
            return Self::Abandon("told to stop at once (a second SIGTERM)".to_owned());
        }
        match directive.want {
            Want::Cancel => Self::Cancel(directive.why.clone()),
            Want::Land => Self::Land(directive.why.clone()),
            Want::Run | Want::Pause if terms > 0 => Self::Land("told to stop (SIGTERM)".to_owned()),
            Want::Pause => Self::Pause(directive.why.clone()),
            Want::Run => Self::Go,
        }
    }

    /// The order after this one, when `found` is what is said now.
    fn then(&self, found: Self) -> Self {
        if self.halts() && found.rank() <= self.rank() { self.clone() } else { found }
    }
}

/// The orders, to be waited for.
#[derive(Clone, Debug)]
pub struct Orders {
    newest: watch::Receiver<Order>,
}

/// Sets up the orders and the task that keeps them.
pub fn merge(
    mut directive: watch::Receiver<Directive>,
    mut standing: watch::Receiver<Standing>,
    mut terms: watch::Receiver<u32>,
    stop: CancellationToken,
) -> (Orders, impl Future<Output = ()> + Send + 'static) {
    let first = Order::of(&directive.borrow(), &standing.borrow(), *terms.borrow());
    let (tx, newest) = watch::channel(first);
    let task = async move {
        loop {
            let found = Order::of(
                &directive.borrow_and_update(),
                &standing.borrow_and_update(),
                *terms.borrow_and_update(),
            );
            tx.send_if_modified(|now| {
                let next = now.then(found);
                let changed = *now != next;
                *now = next;
                changed
            });
            // A source that is gone says nothing new; the others still may.
            tokio::select! { biased;
                () = stop.cancelled() => return,
                Ok(()) = standing.changed() => {}
                Ok(()) = directive.changed() => {}
                Ok(()) = terms.changed() => {}
                else => return,
            }
        }
    };
    (Orders { newest }, task)
}

impl Orders {
    /// The newest.
    pub fn now(&self) -> Order {
        self.newest.borrow().clone()
    }

    /// Waits for one that is as wanted; for ever, if there is none.
    pub async fn wait_for(&self, wanted: impl FnMut(&Order) -> bool) -> Order {
        let mut newest = self.newest.clone();
        let found = newest.wait_for(wanted).await.map(|order| order.clone());
        match found {
            Ok(order) => order,
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits for one that ends the work.
    pub async fn halted(&self) -> Order {
        self.wait_for(Order::halts).await
    }

    /// Waits until nothing may be changed any more; answers why.
    pub async fn abandoned(&self) -> String {
        match self.wait_for(|o| matches!(o, Order::Abandon(_))).await {
            Order::Abandon(why) => why,
            _ => unreachable!("it was waited for"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn directive() -> impl Strategy<Value = Directive> {
        prop_oneof![Just(Want::Run), Just(Want::Pause), Just(Want::Land), Just(Want::Cancel)]
            .prop_map(|want| Directive { want, why: "d".into() })
    }

    fn standing() -> impl Strategy<Value = Standing> {
        prop_oneof![
            4 => Just(Standing::Held),
            2 => Just(Standing::Lost),
            1 => Just(Standing::Fenced("f".into())),
        ]
    }

    proptest! {
        #[test]
        fn there_is_no_way_back(steps in prop::collection::vec((directive(), standing(), 0u32..3), 1..30)) {
            let mut now = Order::Go;
            for (directive, standing, terms) in steps {
                let found = Order::of(&directive, &standing, terms);
                let next = now.then(found.clone());
                prop_assert!(next.rank() >= now.rank());
                if !now.halts() {
                    prop_assert_eq!(&next, &found);
                }
                if let Standing::Fenced(_) = standing {
                    prop_assert!(matches!(next, Order::Abandon(_)));
                }
                now = next;
            }
        }
    }

    #[tokio::test]
    async fn a_pause_can_be_lifted_and_a_cancel_wins_over_a_landing() {
        let (directive_tx, directive) =
            watch::channel(Directive { want: Want::Pause, why: "held".into() });
        let (_standing_tx, standing) = watch::channel(Standing::Held);
        let (terms_tx, terms) = watch::channel(0);
        let stop = CancellationToken::new();
        let (orders, task) = merge(directive, standing, terms, stop.clone());
        let task = tokio::spawn(task);
        assert_eq!(orders.now(), Order::Pause("held".into()));
        directive_tx.send_replace(Directive { want: Want::Run, why: String::new() });
        orders.wait_for(|o| *o == Order::Go).await;
        terms_tx.send_replace(1);
        assert!(matches!(orders.halted().await, Order::Land(_)));
        directive_tx.send_replace(Directive { want: Want::Cancel, why: "no".into() });
        orders.wait_for(|o| *o == Order::Cancel("no".into())).await;
        stop.cancel();
        task.await.expect("no panic");
    }
}
