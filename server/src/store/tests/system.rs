//! Acts that belong to no loop: tokens, and the journal that chains them.

use smith_model::access::{Role, Scope, TokenRecord};
use smith_model::journal::Payload;
use tokio::task::JoinSet;

use super::proxy::{Fate, Proxy};
use super::*;

fn token(n: u8) -> TokenRecord {
    TokenRecord {
        schema_version: 1,
        id: smith_model::id::base32(&[n; 8], 12).parse().unwrap(),
        name: format!("t{n}"),
        hash: "h".into(),
        role: Role::Operator,
        scope: Scope::All,
        created_by: "t".into(),
        created_at: now(),
        expires_at: None,
        extra: smith_model::Extra::new(),
    }
}

async fn put(store: &Store, n: u8) -> bool {
    let token = token(n);
    let put = store.put_token(&token, actor(), act("token.create"), now());
    in_time(put).await.unwrap()
}

async fn system(lab: &Lab) -> Vec<Entry> {
    let entries = lab.store.system_journal(0, 1000).await.unwrap().items;
    lab.check_chain("_system", lab.store.installation(), &entries).await;
    entries
}

#[tokio::test]
async fn tokens_are_put_once_and_taken_once() {
    let lab = Lab::new().await;
    let store = &lab.store;
    assert!(put(store, 1).await);
    assert!(!put(store, 1).await);
    assert_eq!(store.token(&token(1).id).await.unwrap(), Some(token(1)));
    let delete = async |n| {
        let act = act("token.revoke");
        store.delete_token(&token(n).id, actor(), act, now()).await.unwrap()
    };
    assert!(!delete(2).await);
    assert!(delete(1).await);
    assert!(!delete(1).await);
    assert_eq!(store.token(&token(1).id).await.unwrap(), None);
    let entries = system(&lab).await;
    let actions = entries.iter().map(|entry| match &entry.draft.payload {
        Some(Payload::Act { action, .. }) => action.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(actions.collect::<Vec<_>>(), ["token.create", "token.revoke"]);
    assert_eq!(store.audit(None, None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn acts_at_once_are_all_chained() {
    let lab = Lab::new().await;
    let mut tasks = JoinSet::new();
    for w in 0..4 {
        let store = lab.another().await;
        tasks.spawn(async move {
            for n in 0..10 {
                assert!(put(&store, w * 20 + n).await);
            }
        });
    }
    in_time(tasks.join_all()).await;
    assert_eq!(system(&lab).await.len(), 40);
    assert_eq!(lab.store.audit(None, None, 100).await.unwrap().items.len(), 40);
}

#[tokio::test]
async fn an_act_whose_answer_is_lost_is_done_once() {
    let lab = Lab::new().await;
    let proxy = Proxy::to(&lab.etcd.url).await;
    let store = lab.through(&proxy).await;
    for (n, fate) in [Fate::LoseAnswer, Fate::LoseRequest, Fate::Late].into_iter().enumerate() {
        // The head is read first.
        proxy.nth(1, fate);
        assert!(put(&store, u8::try_from(n).unwrap()).await, "{fate:?}");
        if fate == Fate::Late {
            proxy.release().await;
        }
        assert_eq!(system(&lab).await.len(), n + 1, "{fate:?}");
    }
    // The look finds nothing, and the repetition is late too; then the first one arrives.
    proxy.plan(|n| if n == 1 || n == 3 { Fate::Late } else { Fate::Pass });
    let putting = tokio::spawn({
        let store = store.clone();
        async move { put(&store, 9).await }
    });
    proxy.nth_came(3).await;
    proxy.release().await;
    assert!(in_time(putting).await.unwrap());
    proxy.release().await;
    assert_eq!(system(&lab).await.len(), 4);
}
