//! Who may type into a terminal, and what is told when that changes. Pure.

use smith_model::terminal::{Holder, ViewerId};

/// Who has a terminal's keyboard, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Our number, while we are attached.
    you: Option<ViewerId>,
    holder: Option<Holder>,
    /// We asked to hand it back, so its loss is no news.
    is_handing_back: bool,
    /// It was ours last, and we handed it back.
    was_handed_back: bool,
}

/// What a change means for the person here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// They have it now.
    Got,
    /// They gave it back.
    HandedBack,
    /// They don't have it any more; who has, and why.
    Lost(String),
}

impl Lease {
    /// Is it ours?
    pub fn is_mine(&self) -> bool {
        self.you.is_some() && self.holder.as_ref().map(|holder| holder.id) == self.you
    }

    /// Who else has it.
    pub fn other(&self) -> Option<&Holder> {
        self.holder.as_ref().filter(|_| !self.is_mine())
    }

    /// Did we hand it back, so that it isn't lost?
    pub fn was_handed_back(&self) -> bool {
        self.was_handed_back
    }

    /// We are attached under this number.
    pub fn attached(&mut self, you: ViewerId, holder: Option<Holder>) -> Told {
        *self = Self { you: Some(you), ..Self::default() };
        self.changed(holder)
    }

    /// It was asked for that it be handed back.
    pub fn hands_back(&mut self) {
        self.is_handing_back = true;
    }

    /// Somebody has it now, or nobody.
    pub fn changed(&mut self, holder: Option<Holder>) -> Told {
        let was_mine = self.is_mine();
        self.holder = holder;
        let is_handing_back = std::mem::take(&mut self.is_handing_back);
        self.was_handed_back = was_mine && !self.is_mine() && is_handing_back;
        match (was_mine, self.is_mine(), &self.holder) {
            (false, true, _) => Told::Got,
            (true, false, _) if is_handing_back => Told::HandedBack,
            (true, false, Some(holder)) => {
                let reason = holder.stolen.as_ref().map(|steal| steal.reason.as_str());
                let reason = reason.unwrap_or("no reason was given");
                Told::Lost(format!("{} took the keyboard from you: {reason}", holder.name))
            }
            (true, false, None) => Told::Lost("the keyboard was taken back from you".to_owned()),
            (true, true, _) | (false, false, _) => Told::Nothing,
        }
    }

    /// We aren't attached any more.
    pub fn detached(&mut self) -> Told {
        let was_mine = self.is_mine();
        *self = Self::default();
        match was_mine {
            true => Told::Lost("with the connection the keyboard is lost".to_owned()),
            false => Told::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use smith_model::terminal::Steal;

    use super::*;

    fn holder(id: u32, name: &str, stolen: Option<&str>) -> Holder {
        let steal = |reason: &str| Steal { from: "me".to_owned(), reason: reason.to_owned() };
        Holder {
            id: ViewerId(id),
            name: name.to_owned(),
            since: Timestamp::UNIX_EPOCH,
            stolen: stolen.map(steal),
        }
    }

    #[test]
    fn it_is_taken_handed_back_stolen_and_lost_with_the_connection() {
        let mut lease = Lease::default();
        assert_eq!(lease.changed(Some(holder(1, "me", None))), Told::Nothing, "not attached");
        assert!(!lease.is_mine());
        assert_eq!(lease.attached(ViewerId(1), None), Told::Nothing);
        assert_eq!(lease.changed(Some(holder(1, "me", None))), Told::Got);
        assert!(lease.is_mine() && lease.other().is_none());
        let stolen = lease.changed(Some(holder(2, "maria", Some("it hangs"))));
        assert_eq!(stolen, Told::Lost("maria took the keyboard from you: it hangs".to_owned()));
        assert_eq!(lease.other().map(|holder| holder.name.as_str()), Some("maria"));
        assert_eq!(lease.changed(None), Told::Nothing);
        assert_eq!(lease.changed(Some(holder(1, "me", None))), Told::Got);
        lease.hands_back();
        assert_eq!(lease.changed(None), Told::HandedBack);
        assert!(lease.was_handed_back());
        assert_eq!(lease.changed(Some(holder(1, "me", None))), Told::Got);
        assert!(!lease.was_handed_back());
        assert!(matches!(lease.detached(), Told::Lost(_)));
        assert_eq!(lease.detached(), Told::Nothing);
        // The same number after coming back is another viewer's.
        assert_eq!(lease.attached(ViewerId(2), Some(holder(1, "tom", None))), Told::Nothing);
        assert!(!lease.is_mine());
    }
}
