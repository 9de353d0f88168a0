//! What is wanted of a camera's controls, so that a card in a moving hand is sharp: a pure function over what it offers.
//!
//! Focus and exposure follow by themselves, for a till stands where the light changes all day. A camera must not take
//! longer for a picture because it is dim: a card that moves would be smeared, and the pictures would come late. Lamps
//! flicker with the mains, and the camera is told to find out how.

use v4l::control::{Description, Flags};

/// The controls, by their numbers in Video4Linux (`linux/v4l2-controls.h`).
const POWER_LINE_FREQUENCY: u32 = 0x0098_0918;
const EXPOSURE_AUTO: u32 = 0x009a_0901;
const EXPOSURE_AUTO_PRIORITY: u32 = 0x009a_0903;
const FOCUS_AUTO: u32 = 0x009a_090c;

/// What is wanted of each, the dearest wish first. UVC cameras know aperture priority (3) where others know automatic (0);
/// the mains are found out (3), or have fifty cycles (1).
const WANTED: [(u32, &[i64]); 4] = [
    (EXPOSURE_AUTO, &[3, 0]),
    (EXPOSURE_AUTO_PRIORITY, &[0]),
    (FOCUS_AUTO, &[1]),
    (POWER_LINE_FREQUENCY, &[3, 1]),
];

/// A control and the value that it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) id: u32,
    pub(super) value: i64,
}

/// Gives what is to be set of the controls that are offered, in the order in which one depends on the other.
pub(super) fn wishes(offered: &[Description]) -> Vec<Wish> {
    let wish = |(id, wanted): (u32, &[i64])| {
        let control = offered.iter().find(|control| control.id == id)?;
        let fixed = Flags::DISABLED | Flags::READ_ONLY;
        if control.flags.intersects(fixed) {
            return None;
        }
        let value = wanted.iter().copied().find(|value| is_offered(control, *value))?;
        Some(Wish { id, value })
    };
    WANTED.into_iter().filter_map(wish).collect()
}

fn is_offered(control: &Description, value: i64) -> bool {
    let inside = (control.minimum..=control.maximum).contains(&value);
    let listed = |items: &Vec<(u32, _)>| items.iter().any(|(item, _)| i64::from(*item) == value);
    inside && control.items.as_ref().is_none_or(listed)
}

#[cfg(test)]
mod tests {
    use v4l::control::{MenuItem, Type};

    use super::*;

    fn control(id: u32, maximum: i64, items: Option<&[u32]>) -> Description {
        let items = items.map(|items| items.iter().map(|item| (*item, MenuItem::Value(0))).collect());
        Description {
            id,
            typ: if items.is_some() { Type::Menu } else { Type::Boolean },
            name: String::new(),
            minimum: 0,
            maximum,
            step: 1,
            default: 0,
            flags: Flags::empty(),
            items,
        }
    }

    #[test]
    fn focus_and_light_follow_and_no_picture_takes_longer() {
        let webcam = [
            control(0x0098_0900, 255, None),
            control(POWER_LINE_FREQUENCY, 2, Some(&[0, 1, 2])),
            control(EXPOSURE_AUTO, 3, Some(&[1, 3])),
            control(EXPOSURE_AUTO_PRIORITY, 1, None),
            control(FOCUS_AUTO, 1, None),
        ];
        let values: Vec<_> = wishes(&webcam).iter().map(|wish| (wish.id, wish.value)).collect();
        assert_eq!(
            values,
            [(EXPOSURE_AUTO, 3), (EXPOSURE_AUTO_PRIORITY, 0), (FOCUS_AUTO, 1), (POWER_LINE_FREQUENCY, 1)]
        );
    }

    #[test]
    fn what_is_not_offered_is_not_set() {
        assert_eq!(wishes(&[]), []);
        let by_hand_only = control(EXPOSURE_AUTO, 1, Some(&[1]));
        let fixed = Description { flags: Flags::READ_ONLY, ..control(FOCUS_AUTO, 1, None) };
        assert_eq!(wishes(&[by_hand_only, fixed]), []);
        let old = control(EXPOSURE_AUTO, 1, Some(&[0, 1]));
        assert_eq!(wishes(&[old]), [Wish { id: EXPOSURE_AUTO, value: 0 }]);
    }
}
