//! A target for the basket, from what the shop's own orders come to.
//!
//! A reward for a larger basket works when its minimum is a little above what guests buy anyway. The proposal is
//!
//! > target = ⌈ average × (1 + lift) ⌉ to a whole 0.50 below 10, 1 below 50, and 5 from there on
//!
//! where the average is that of the orders that came to something.

use crate::money::{Money, Rate};

/// A target and what it was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// How many orders came to something.
    pub orders: u64,
    /// Their average, rounded half up.
    pub average: Money,
    /// What an order should come to.
    pub target: Money,
}

/// The step to which a target is rounded up: prices that people think in.
fn step(amount: i128) -> i128 {
    match amount {
        ..1_000 => 50,
        1_000..5_000 => 100,
        _ => 500,
    }
}

impl Target {
    /// Proposes a target that is `lift` above the average of `orders` orders that came to `turnover` cents together,
    /// each to something; none where there was none.
    pub fn above(turnover: i128, orders: u64, lift: Rate) -> Option<Self> {
        if orders == 0 || turnover <= 0 {
            return None;
        }
        let whole = i128::from(Rate::WHOLE.0);
        let number = i128::from(orders);
        let lifted = turnover * (whole + i128::from(lift.0.max(0)));
        // In cents, rounded up, to see how large it is; then up to the step without rounding twice.
        let step = step((lifted / (number * whole)).max(0));
        let part = number * whole * step;
        let target = lifted.div_euclid(part) + i128::from(lifted.rem_euclid(part) > 0);
        Some(Self {
            orders,
            average: Money(crate::money::div_half_up(turnover, number)),
            target: Money(crate::rules::basket::clamp(target * step)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_little_more_than_they_buy_anyway() {
        for (turnover, orders, percent, target) in [
            (1500, 3, 20, 600),
            (1500, 3, 21, 650),
            (999, 1, 0, 1000),
            (1000, 1, 0, 1000),
            (1001, 1, 0, 1100),
            (2140, 1, 10, 2400),
            (4999, 1, 0, 5000),
            (5000, 1, 1, 5500),
            (12_000, 1, 25, 15_000),
        ] {
            let proposed = Target::above(turnover, orders, Rate(percent * 100)).unwrap();
            assert_eq!(proposed.target, Money(target), "{turnover} in {orders} and {percent} %");
        }
        assert_eq!(Target::above(0, 0, Rate(1000)), None);
    }

    proptest! {
        #[test]
        fn it_is_above_the_lifted_average_and_no_more_than_a_step(
            orders in prop::collection::vec(1..20_000_i64, 1..30), lift in 0..10_000_i32,
        ) {
            let (sum, count) = (orders.iter().sum::<i64>(), orders.len() as u64);
            let target = Target::above(i128::from(sum), count, Rate(lift)).unwrap().target.0;
            let exact = sum as f64 / count as f64 * (1.0 + f64::from(lift) / 10_000.0);
            let step = step(exact as i128) as f64;
            prop_assert!(target as f64 >= exact - 1e-6 && (target as f64) < exact + step + 1e-6);
            prop_assert_eq!(target % step as i64, 0);
        }
    }
}
