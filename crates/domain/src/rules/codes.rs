//! The codes of the trace. A code never changes its meaning; a new meaning gets a new code.
//!
//! Next to each stand the names of its values.

/// Units given: `amount`, `unit`, `per`, and what was counted (`quantity`, `paid`, `what`).
pub const EARNED: &str = "earned";
/// More is earned now: `factor`.
pub const MULTIPLIED: &str = "multiplied";
/// A sale without a card earns nothing.
pub const NO_CARD: &str = "no-card";
/// Nothing in the order counts for this rule.
pub const NOTHING_COUNTS: &str = "nothing-counts";
/// Less was paid than the rule asks for: `minimum`, `paid`.
pub const BELOW_MINIMUM: &str = "below-minimum";
/// Fewer articles than the rule asks for: `minimum`, `quantity`.
pub const BELOW_QUANTITY: &str = "below-quantity";
/// What counts comes to less than the smallest amount of the unit: `paid`, `every`.
pub const TOO_LITTLE: &str = "too-little";
/// The rule counts money, and a stamp card knows no prices.
pub const NEEDS_PRICE: &str = "needs-price";
/// The last visit is too short ago: `minutes` still to wait.
pub const TOO_SOON: &str = "too-soon";
/// This visit was counted already.
pub const VISIT_COUNTED: &str = "visit-counted";
/// The most in one sale: `limit`, `wanted`, `given`. So with the other limits.
pub const SALE_LIMIT: &str = "sale-limit";
/// The most on one business day.
pub const DAILY_LIMIT: &str = "daily-limit";
/// The most in one week.
pub const WEEKLY_LIMIT: &str = "weekly-limit";
/// The most in one calendar month.
pub const MONTHLY_LIMIT: &str = "monthly-limit";
/// The most in one calendar year.
pub const YEARLY_LIMIT: &str = "yearly-limit";
/// The most in the period: also `days`.
pub const PERIOD_LIMIT: &str = "period-limit";
/// It begins later: `day`.
pub const NOT_STARTED: &str = "programme-not-started";
/// It has ended: `day`, the last one.
pub const ENDED: &str = "programme-ended";
/// It does not run in this shop.
pub const NOT_THIS_SHOP: &str = "not-this-shop";
/// It does not run on this weekday.
pub const NOT_TODAY: &str = "not-today";
/// It does not run at this hour: `hours`.
pub const NOT_NOW: &str = "not-now";
/// It is for members with a card only.
pub const NEEDS_CARD: &str = "needs-card";
/// It is for other members: `tiers` or `tags` or `birthday`.
pub const NOT_FOR_MEMBER: &str = "not-for-member";
/// A discount came off: `off`, and for a reward `cost`, `unit`.
pub const DISCOUNT: &str = "discount";
/// Articles were given free: `quantity`, `what`, `off`, `cost`, `unit`.
pub const FREE: &str = "free-item";
/// Something outside the sale was given: `times`, `cost`, `unit`.
pub const GIFT: &str = "gift";
/// Units of another kind were given: `given`, `given_unit`, `cost`, `unit`.
pub const EXCHANGED: &str = "exchanged";
/// Another discount of the same kind is better: `off`, `better`.
pub const NOT_BEST: &str = "not-best";
/// Fewer were granted than asked for, because more would give nothing: `asked`, `given`.
pub const CLAIM_REDUCED: &str = "claim-reduced";
/// There are not enough units: `needed`, `have`, `unit`.
pub const NOT_ENOUGH: &str = "not-enough";
/// No programme knows this reward.
pub const UNKNOWN_REWARD: &str = "unknown-reward";
/// No programme of this name is in force.
pub const UNKNOWN_PROGRAMME: &str = "unknown-programme";
/// More than one programme has a reward of this name.
pub const AMBIGUOUS_REWARD: &str = "ambiguous-reward";
/// It comes by itself and cannot be claimed.
pub const COMES_BY_ITSELF: &str = "comes-by-itself";
/// One claim takes at least so many units: `minimum`, `unit`.
pub const CLAIM_TOO_SMALL: &str = "claim-too-small";
/// Nothing in the order can take the discount.
pub const NOTHING_TO_DISCOUNT: &str = "nothing-to-discount";
/// The article is none that the reward gives: `sku`.
pub const NOT_IN_SET: &str = "not-in-set";
/// A claim for no times, or too many of them.
pub const BAD_CLAIM: &str = "bad-claim";
/// The same code was shown twice and counts once: `code`.
pub const CODE_TWICE: &str = "code-twice";
/// No programme knows the code: `code`.
pub const CODE_UNKNOWN: &str = "code-unknown";
/// A voucher for a later visit was given: `reward`, `last`.
pub const VOUCHER: &str = "voucher";
/// A balance was reached: `at`, `unit`, `text` and texts by language.
pub const MESSAGE: &str = "message";
/// Stored value paid less than asked for: `asked`, `given`.
pub const STORED_SHORT: &str = "stored-short";
/// Stored value is sold to a card only.
pub const STORED_NEEDS_CARD: &str = "stored-needs-card";
/// A challenge was reached: its name (`text`, or `de` and `en`), and what it gives (`amount`, `unit`, or
/// `reward`, `last`). So with the next four.
pub const CHALLENGE_DONE: &str = "challenge-done";
/// A birthday, an anniversary, a welcome.
pub const OCCASION: &str = "occasion";
/// The friend's first purchase that counts.
pub const REFERRAL: &str = "referral";
/// A friend who was brought has bought for the first time.
pub const REFERRER: &str = "referrer";
/// A deed without a purchase.
pub const ACTIVITY: &str = "activity";
/// On the way to a challenge: `count`, `done`, `target`.
pub const PROGRESS: &str = "progress";
/// So many spans in a row: `done`, `target`.
pub const STREAK: &str = "streak";
/// A membership was bought: `name`, `last`.
pub const MEMBERSHIP: &str = "membership";
/// A right that is given once was given before.
pub const GIVEN_BEFORE: &str = "given-before";
/// The friend's first purchase is too small to count: `minimum`, `paid`.
pub const REFERRAL_BELOW: &str = "referral-below-minimum";
/// The programme knows no such activity: `activity`.
pub const UNKNOWN_ACTIVITY: &str = "unknown-activity";
/// Nothing is left of it here: `limit`.
pub const SOLD_OUT: &str = "sold-out";
/// Nothing is left of it here today: `limit`.
pub const SOLD_OUT_TODAY: &str = "sold-out-today";
/// More was given than there was, and it is not paid yet: `owed`, `unit`.
pub const OWES: &str = "owes";
/// The server was not heard of for longer than the programme allows: `days`.
pub const OFFLINE_TOO_LONG: &str = "offline-too-long";
/// The most that is given in one day without the server: `limit`, `unit`.
pub const OFFLINE_LIMIT: &str = "offline-limit";
/// The programme knows no goodwill.
pub const NO_GOODWILL: &str = "no-goodwill";
/// The reason is none of those that can be chosen: `reasons`.
pub const UNKNOWN_REASON: &str = "unknown-reason";
/// A second person must agree.
pub const FOUR_EYES: &str = "four-eyes";
/// A tier or a level was reached that gives something.
pub const TIER_REACHED: &str = "tier-reached";
/// A share of the sale goes to a cause: `amount`, `cause`.
pub const GIVING: &str = "giving";
/// Nobody has given one of it away, or the last was taken.
pub const POOL_EMPTY: &str = "pool-empty";
/// A refund takes earned units back: `amount`, `unit`.
pub const TAKEN_BACK: &str = "taken-back";
/// A refund gives spent units back: `amount`, `unit`; `last`, where their lot had ended and they have days of grace.
pub const GIVEN_BACK: &str = "given-back";
/// Earned units that a refund leaves, because they were spent and the programme forgives: `amount`, `unit`.
pub const LET_GO: &str = "let-go";
/// Everything of it came back before.
pub const NOTHING_LEFT: &str = "nothing-left";
/// More comes back than is left: `left`, `asked`.
pub const TOO_MUCH: &str = "too-much";
/// It can only come back as a whole.
pub const NO_SUCH_LINES: &str = "no-such-lines";
