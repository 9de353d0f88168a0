//! What a programme is refused for, at the very edge of each bound, and what its owner is warned of.

use stempel_domain::programme::Programme;

const HEAD: &str = "id = \"p\"\nname = \"P\"\n";
const EARN: &str = "[[earn]]\nid = \"e\"\nper = \"money\"\namount = 1\n";
const GIFT: &str = "[[reward]]\nid = \"r\"\nkind = \"gift\"\ncost = 5\n";
const OFF: &str = "[[reward]]\nid = \"r\"\nkind = \"amount-off\"\ncost = 5\namount = 1\n";
const FREE: &str = "[[reward]]\nid = \"r\"\nkind = \"free-item\"\ncost = 5\ncategories = [\"c\"]\n";
const AUTO: &str = "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 5\nautomatic = true\n";
const VOUCHER: &str = "[[reward]]\nid = \"v\"\nkind = \"amount-off\"\namount = 1\nvoucher = true\n";
const CHALLENGE: &str = "[[challenge]]\nid = \"c\"\ngives = { amount = 1 }\n";
const GOAL: &str = "goal = [{ count = \"days\", target = 5 }]\n";
const OCCASION: &str = "[[occasion]]\nid = \"o\"\n";
const ACTIVITY: &str = "[[activity]]\nid = \"a\"\n";
const GIVING: &str = "[[giving]]\nid = \"g\"\n";
const REFERRAL: &str = "[referral]\nfriend = { amount = 1 }\n";
const MEMBERSHIP: &str = "[membership]\n";
const GOODWILL: &str = "[goodwill]\n";

/// Puts so many letters where a number stands between `‹` and `›`.
fn spelled(text: &str) -> String {
    let mut parts = text.split('‹');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (count, rest) = part.split_once('›').unwrap();
        whole.push_str(&"x".repeat(count.parse().unwrap()));
        whole.push_str(rest);
    }
    whole
}

/// What is wrong with rules, in words; empty if nothing is.
fn fault(rules: &str) -> String {
    match Programme::parse_toml(&format!("{HEAD}{}", spelled(rules))) {
        Ok(programme) => {
            // What is taken is kept and read again as it was.
            assert_eq!(Programme::from_json(&programme.to_json()).unwrap(), programme, "{rules}");
            String::new()
        }
        Err(error) => {
            assert!(error.line > 0, "{rules}: {error}");
            error.message
        }
    }
}

const MONEY: &str = "an amount of money is not less than 0, with at most two digits after the point";
const QUANTITY: &str = "a quantity is between 0 and a million, with at most three digits after the point";
const TEXT: &str = "a text has 1 to 400 bytes";
const NAMES: &str = "each name has 1 to 64 bytes";
const ID: &str = "an id is made of letters, digits, - _ . :, at most 64";
const POSITIVE: &str = "it must be more than 0";
const NEGATIVE: &str = "it must not be less than 0";
const PERIOD: &str = "`period` and `period_days` (1 to 731) belong together";
const PERCENT: &str = "it is at most 100, with at most two digits after the point";
const BOTH: &str = "it gives a voucher or units, not both";

/// What stands before a line, the line with a `§`, what may stand there, what may not, and what is said of that.
type Bound = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static str);

const HEADS: &[Bound] = &[
    ("", "language = §", &["0", "1"], &["2"], "this version knows the language up to 1"),
    ("", "card = §", &["1", "1000"], &["0", "1001"], "a card has 1 to 1000 places"),
    (
        "",
        "valid = { from = \"2026-05-02\", to = \"§\" }",
        &["2026-05-02", "2026-05-03"],
        &["2026-05-01"],
        "it ends before it begins",
    ),
    (
        "",
        "leaderboard = { by = \"units\", period = \"year\", top = § }",
        &["1", "100"],
        &["0", "101"],
        "a board shows 1 to 100 ranks, not §",
    ),
    (
        "",
        "leaderboard = { by = \"units\", period = \"§\" }",
        &["year", "week"],
        &["ever"],
        "a board begins anew each week, month, quarter or year",
    ),
    (
        "",
        "clearing = { per_unit = § }",
        &["0.000001", "1000000"],
        &["0", "-1", "1000000.000001", "1000001"],
        "a unit is worth more than nothing, and at most a million",
    ),
    (
        "",
        "expiry = { § }",
        &["months = 1200", "idle_months = 1200", "days = 20000", "idle_days = 20000"],
        &["months = 1201", "idle_months = 1201", "days = 20001", "idle_days = 20001"],
        "that is longer than anybody can wait",
    ),
    (
        "",
        "expiry = { months = 1, warn_days = § }",
        &["0", "366"],
        &["367"],
        "a warning comes at most 366 days before the end",
    ),
    ("", "merchants = [\"§\"]", &["a", "‹64›"], &["", "‹65›"], NAMES),
    ("", "who = { tiers = [\"§\"] }", &["a", "‹64›"], &["", "‹65›"], NAMES),
    ("", "who = { tags = [\"§\"] }", &["a", "‹64›"], &["", "‹65›"], NAMES),
    ("", "who = { except_tags = [\"§\"] }", &["a", "‹64›"], &["", "‹65›"], NAMES),
    (
        "",
        "who = { holds = [\"§\"] }",
        &["membership:plus", "‹40›"],
        &["A", "‹41›"],
        "“§” is no unit that somebody can hold",
    ),
    ("", "offline = { § }", &["spend_day = 0", "age_days = 0"], &[""], "it does not say what is limited"),
    ("", "offline = { spend_day = § }", &["1000000000"], &["-1"], NEGATIVE),
    (
        "scale = 1\n",
        "offline = { spend_day = § }",
        &["0.1"],
        &["0.11"],
        "§ has more digits after the point than the unit counts",
    ),
];

const LADDERS: &[Bound] = &[
    (
        "",
        "tiers = { by = \"spend\", window = \"year\", ladder = [{ name = \"§\", from = 0 }] }",
        &["a", "‹64›"],
        &["", "‹65›"],
        "a tier's name has 1 to 64 bytes",
    ),
    (
        "",
        "tiers = { by = \"spend\", window = \"year\", ladder = [{ name = \"a\", from = § }, { name = \"b\", from = 2 }] }",
        &["0", "1.99"],
        &["-0.01", "2", "2.01"],
        "the tiers stand in the order of what reaches them, lowest first",
    ),
    (
        "",
        "tiers = { by = \"§\", window = \"ever\", ladder = [{ name = \"a\", from = 1.25 }] }",
        &["spend", "units"],
        &["visits"],
        "visits are counted whole, money with two digits after the point",
    ),
    (
        "",
        "tiers = { by = \"spend\", window = \"ever\", ladder = [{ name = \"a\", from = § }] }",
        &["1000000000", "0.01"],
        &["0.001"],
        "visits are counted whole, money with two digits after the point",
    ),
    (
        "",
        "tiers = { by = \"visits\", window = \"year\", ladder = [{ name = \"a\", from = § }] }",
        &["1", "0"],
        &["0.5"],
        "visits are counted whole, money with two digits after the point",
    ),
    (
        "",
        "tiers = { by = \"visits\", window = \"ever\", grace_days = §, ladder = [{ name = \"a\", from = 1 }] }",
        &["0"],
        &["1", "100"],
        "nobody falls from a level: leave out `grace_days`",
    ),
    (
        "",
        "tiers = { by = \"visits\", window = \"month\", grace_days = §, ladder = [{ name = \"a\", from = 1 }] }",
        &["0", "759"],
        &["760"],
        "the window and the grace have at most 790 days together",
    ),
    (
        "",
        "tiers = { by = \"visits\", window_days = §, grace_days = 1, ladder = [{ name = \"a\", from = 1 }] }",
        &["1", "789"],
        &["790"],
        "the window and the grace have at most 790 days together",
    ),
    (
        "",
        "tiers = { by = \"visits\", window = \"year\", ladder = [{ name = \"§\", from = 1, gives = { amount = 1 } }] }",
        &["gold", "‹64›"],
        &["gold star", "Größe"],
        "the name of a tier that gives something: an id is made of letters, digits, - _ . :, at most 64",
    ),
    // One that gives nothing is called as people like.
    (
        "",
        "tiers = { by = \"visits\", window = \"year\", ladder = [{ name = \"§\", from = 1 }] }",
        &["gold star", "Größe"],
        &[],
        "",
    ),
];

const EARNING: &[Bound] = &[
    (EARN, "every = §", &["0.01", "1000000000"], &["0.001", "1.005"], MONEY),
    (EARN, "every = §", &["1"], &["0", "-1"], POSITIVE),
    (
        "[[earn]]\nper = \"item\"\namount = 1\n",
        "every = §",
        &["0.001", "0.000001"],
        &["0", "-0.001"],
        POSITIVE,
    ),
    (
        "[[earn]]\nper = \"visit\"\namount = 1\n",
        "every = §",
        &["1"],
        &["2", "0.5"],
        "an order or a visit counts once; `every` is for money and items",
    ),
    (EARN, "minimum = §", &["0", "0.01", "1000000000"], &["-0.01", "0.001", "-1"], MONEY),
    (
        EARN,
        "minimum_quantity = §",
        &["0", "0.001", "1000000"],
        &["-0.001", "-1", "0.0001", "1000000.001"],
        QUANTITY,
    ),
    (EARN, "cap = { day = § }", &["0", "1000000000"], &["-1", "-0.5"], NEGATIVE),
    (EARN, "cap = { year = § }", &["7"], &["0.5"], "§ has more digits after the point than the unit counts"),
    (
        EARN,
        "cap = { § }",
        &["period = 1, period_days = 1", "period = 1, period_days = 731", ""],
        &["period = 1", "period_days = 1", "period = 1, period_days = 732", "period = 1, period_days = 0"],
        PERIOD,
    ),
    (EARN, "who = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (EARN, "categories = [\"§\"]", &["a", "‹64›"], &["", "‹65›"], NAMES),
    (EARN, "except_categories = [\"§\"]", &["a", "‹64›"], &["", "‹65›"], NAMES),
    (EARN, "pause_minutes = §", &["0", "4320"], &["4321", "65535"], "a pause is at most three days"),
    ("[[earn]]\nper = \"order\"\n", "amount = §", &["1", "1000000000"], &["0"], POSITIVE),
    // Fractions add up before they are rounded, so that an amount may have more digits than the unit counts.
    ("[[earn]]\nper = \"order\"\n", "amount = §", &["0.000001"], &["-0.000001"], NEGATIVE),
    (
        "[[earn]]\nper = \"order\"\namount = 1\n",
        "id = \"§\"",
        &["e", "a-b_c.d:E", "‹64›"],
        &["a b", "ä", "‹65›"],
        ID,
    ),
    (EARN, "[[multiplier]]\nfactor = §", &["0.5", "0.000001"], &["0", "-2"], POSITIVE),
    (EARN, "[[multiplier]]\nfactor = 2\nwho = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (EARN, "[[message]]\ntext = \"§\"\nat = 1", &["a", "‹400›"], &["", "  ", "‹401›"], TEXT),
    (EARN, "[[message]]\nat = §\ntext = \"a\"", &["0", "1000000000"], &["-1"], NEGATIVE),
    (VOUCHER, "[[voucher]]\nreward = \"v\"\nminimum = §", &["0", "5.25"], &["-1", "5.255"], MONEY),
    (VOUCHER, "[[voucher]]\nreward = \"v\"\nlimit = { day = § }", &["0"], &["-1"], NEGATIVE),
    (
        VOUCHER,
        "[[voucher]]\nreward = \"v\"\nlimit = { day = § }",
        &["2"],
        &["0.5"],
        "§ has more digits after the point than the unit counts",
    ),
];

const REWARDS: &[Bound] = &[
    (FREE, "quantity = §", &["1", "1000"], &["0", "1001"], "one cost gives 1 to 1000 pieces"),
    (OFF, "quantity = §", &["1"], &["0", "2"], "`quantity` belongs to free-item and cheapest-item"),
    (OFF, "minimum = §", &["0", "5.25"], &["-1", "5.255"], MONEY),
    (OFF, "minimum_quantity = §", &["0", "1000000"], &["-1", "1000000.5"], QUANTITY),
    (OFF, "cap = §", &["0", "5.25"], &["-1", "5.255"], MONEY),
    (OFF, "limit = { day = § }", &["0", "2"], &["-1"], NEGATIVE),
    (OFF, "who = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (OFF, "categories = [\"§\"]", &["a"], &[""], NAMES),
    (OFF, "only_best = \"§\"", &["", "‹64›"], &["‹65›"], "at most 64 characters"),
    (OFF, "at_least = §", &["0", "10"], &["-1"], NEGATIVE),
    (OFF, "at_least = §", &["3"], &["0.5"], "§ has more digits after the point than the unit counts"),
    (OFF, "name = \"§\"", &["a", "‹400›"], &["", "‹401›", " "], TEXT),
    (
        OFF,
        "name = { § }",
        &["en = \"a\"", "de = \"ä\", en = \"a\""],
        &["", "en = \"\"", "de = \"a\", en = \" \""],
        TEXT,
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 5\n",
        "code = \"§\"",
        &["a", "‹64›"],
        &["", "‹65›"],
        "a code has 1 to 64 characters",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\ncost = 1\n",
        "percent = §",
        &["0.01", "33.33", "100"],
        &["33.333", "100.01", "101"],
        PERCENT,
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\ncost = 1\n",
        "percent = §",
        &["1"],
        &["0", "-1"],
        POSITIVE,
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\ncost = 1\n",
        "§",
        &["percent = 5"],
        &["", "amount = 5", "percent = 5\namount = 5"],
        "percent-off needs `percent` and no `amount`",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"amount-off\"\ncost = 1\n",
        "§",
        &["amount = 5"],
        &["", "percent = 5", "percent = 5\namount = 5"],
        "amount-off needs `amount` and no `percent`",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"amount-off\"\ncost = 1\n",
        "amount = §",
        &["0.01"],
        &["0.001", "5.005"],
        MONEY,
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"amount-off\"\ncost = 1\n",
        "amount = §",
        &["5"],
        &["0", "-5"],
        POSITIVE,
    ),
    (
        GIFT,
        "§",
        &[""],
        &["percent = 5", "amount = 5"],
        "`percent` and `amount` belong to percent-off and amount-off",
    ),
    (AUTO, "§", &[""], &["cost = 1"], "what comes by itself, by code or by voucher costs no units"),
    (VOUCHER, "§", &[""], &["cost = 1"], "what comes by itself, by code or by voucher costs no units"),
    (
        "[[reward]]\nid = \"r\"\nkind = \"percent-off\"\npercent = 5\n",
        "§",
        &["cost = 1", "automatic = true", "code = \"A\"", "voucher = true"],
        &["", "automatic = false"],
        "it does not say what it costs",
    ),
    (AUTO, "voucher = §", &["false"], &["true"], "it comes by itself or by voucher, not both"),
    (
        "[[reward]]\nid = \"r\"\nautomatic = true\n",
        "§",
        &["kind = \"cheapest-item\""],
        &["kind = \"gift\"", "kind = \"free-item\"", "kind = \"units\""],
        "only a discount or the cheapest item can come by itself or by code",
    ),
    (
        "[[reward]]\nkind = \"amount-off\"\namount = 1\nvoucher = true\n",
        "id = \"§\"",
        &["a", "‹30›"],
        &["A", "‹31›", "a.b"],
        "the names of the programme and of a reward with vouchers are small letters, digits, - and _, at most 31 together",
    ),
    ("[[reward]]\nid = \"r\"\nkind = \"gift\"\n", "cost = §", &["1", "1000000000"], &["0"], POSITIVE),
    ("[[reward]]\nid = \"r\"\nkind = \"gift\"\n", "cost = §", &["1"], &["-1"], NEGATIVE),
    (
        "[[reward]]\nid = \"r\"\ncost = 1\n",
        "§",
        &["kind = \"units\"\ngives = { unit = \"ticket\", amount = 1 }"],
        &["kind = \"units\""],
        "it does not say which units it gives",
    ),
    (
        GIFT,
        "§",
        &[""],
        &["gives = { unit = \"ticket\", amount = 1 }"],
        "`gives` belongs to `kind = \"units\"`",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"units\"\ncost = 1\n",
        "gives = { unit = \"ticket\", amount = § }",
        &["1"],
        &["0", "-1"],
        POSITIVE,
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"units\"\ncost = 1\n",
        "gives = { unit = \"ticket\", scale = 1, amount = § }",
        &["0.5"],
        &["0.25"],
        "§ has more digits after the point than the unit counts",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"units\"\ncost = 1\n",
        "gives = { unit = \"ticket\", amount = 1, expiry = { § } }",
        &["days = 1"],
        &["warn_days = 1"],
        "it does not say when units expire",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"units\"\ncost = 1\n",
        "gives = { unit = \"§\", amount = 1 }",
        &["ticket"],
        &["voucher:x"],
        "vouchers are given by a [[voucher]], not counted as units",
    ),
    (
        "[[reward]]\nid = \"r\"\nkind = \"free-item\"\ncost = 1\n",
        "§",
        &["skus = [\"a\"]", "categories = [\"a\"]"],
        &["", "except_skus = [\"a\"]"],
        "it does not say which articles can be free",
    ),
    (GIFT, "cap = §", &[], &["1"], "`cap` belongs to percent-off and amount-off"),
    (FREE, "on = \"§\"", &["set"], &["cheapest"], "`on` belongs to percent-off and amount-off"),
    (FREE, "priority = §", &["0"], &["1", "-1"], "`priority` belongs to percent-off and amount-off"),
    (FREE, "only_best = \"§\"", &[], &["a"], "`only_best` belongs to percent-off and amount-off"),
    (
        GIFT,
        "§",
        &[""],
        &["skus = [\"a\"]", "except_skus = [\"a\"]", "except_categories = [\"a\"]"],
        "what is outside the sale has no set of articles",
    ),
    (GIFT, "cause = \"§\"", &["trees", "‹64›"], &["", "two trees", "‹65›"], ID),
    (OFF, "§", &[""], &["cause = \"trees\""], "only a gift that costs units goes to a cause"),
    (
        "[[reward]]\nid = \"r\"\nkind = \"gift\"\nvoucher = true\n",
        "§",
        &[""],
        &["cause = \"trees\""],
        "only a gift that costs units goes to a cause",
    ),
    (GIFT, "fills = \"§\"", &["pool", "‹64›"], &["", "a b", "‹65›"], ID),
    (OFF, "§", &[""], &["fills = \"pool\""], "only a gift is given away for others"),
    (OFF, "§", &[""], &["from_pool = \"pool\""], "who takes it shows no card: it comes by a code"),
    (
        "[[reward]]\nid = \"r\"\nkind = \"cheapest-item\"\ncode = \"A\"\n",
        "from_pool = \"§\"",
        &["pool"],
        &["", "a b"],
        ID,
    ),
    (GIFT, "shows = \"§\"", &["a", "‹400›"], &["", "‹401›"], TEXT),
    (OFF, "§", &[""], &["shows = \"a\""], "`shows` belongs to gifts and units"),
    (
        GIFT,
        "stock = { total = 5, device = § }",
        &["1", "5"],
        &["6", "7"],
        "a device cannot have more than there is in all",
    ),
    (
        GIFT,
        "stock = { § }",
        &["", "total = 1", "device = 1", "device_day = 1", "total = 3, device_day = 9"],
        &["total = 0", "device = 0", "device_day = 0", "total = 5, device = 0", "total = 5, device_day = 0"],
        "with none of it nobody can be given it",
    ),
    (OFF, "needs = { minimum = § }", &["0", "5.25"], &["-1", "5.255"], MONEY),
    (OFF, "needs = { quantity = § }", &["0.001", "1000000"], &["-1", "1000001"], QUANTITY),
    (OFF, "needs = { quantity = § }", &["1"], &["0"], "`quantity` must be more than 0"),
    (OFF, "needs = { categories = [\"§\"] }", &["a"], &[""], NAMES),
    (
        "[[reward]]\nid = \"r\"\nneeds = { quantity = 2, each = true }\n",
        "§",
        &[
            "kind = \"cheapest-item\"\nautomatic = true",
            "kind = \"cheapest-item\"\ncode = \"A\"",
            "kind = \"amount-off\"\namount = 1\nautomatic = true",
        ],
        &[
            "kind = \"cheapest-item\"\ncost = 1",
            "kind = \"amount-off\"\namount = 1\ncost = 1",
            "kind = \"amount-off\"\namount = 1\nautomatic = true\non = \"cheapest\"",
            "kind = \"percent-off\"\npercent = 1\nautomatic = true",
        ],
        "`each` belongs to a cheapest-item, or an amount-off on the set, that comes by itself or by code",
    ),
];

const RIGHTS: &[Bound] = &[
    (
        GOAL,
        "§",
        &["within_days = 5", "each = \"week\"", "each = \"week\"\nstreak = 2"],
        &["within_days = 5\neach = \"week\"", "within_days = 5\neach = \"week\"\nstreak = 2"],
        "it counts in the last days or in each span, not both",
    ),
    (GOAL, "§", &[""], &["streak = 2", "streak = 2\nwithin_days = 5"], "it does not say of what it is a row"),
    (GOAL, "within_days = §", &["1", "731"], &["0", "732", "65535"], "it is between 1 and 731"),
    (
        GOAL,
        "each = \"day\"\nstreak = §",
        &["2", "792"],
        &["0", "1", "793", "65535"],
        "a row has at least 2 spans and lasts at most two years",
    ),
    // Weeks: 113 × 7 = 791 days with the one in which it begins; months: 25 × 31 = 775.
    (
        GOAL,
        "each = \"week\"\nstreak = §",
        &["112"],
        &["113", "1"],
        "a row has at least 2 spans and lasts at most two years",
    ),
    (
        GOAL,
        "each = \"month\"\nstreak = §",
        &["24"],
        &["25"],
        "a row has at least 2 spans and lasts at most two years",
    ),
    (
        GOAL,
        "each = \"year\"\nstreak = §",
        &[],
        &["2"],
        "a row has at least 2 spans and lasts at most two years",
    ),
    (
        GOAL,
        "valid = { § }",
        &["from = \"2026-05-02\", to = \"2026-05-02\"", "from = \"2026-05-02\"", "to = \"2026-05-02\""],
        &["from = \"2026-05-02\", to = \"2026-05-01\""],
        "it ends before it begins",
    ),
    (GOAL, "name = \"§\"", &["a"], &[""], TEXT),
    (GOAL, "who = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (
        "",
        "goal = [{ count = \"orders\", target = § }]",
        &["1", "1000000000"],
        &["0.5"],
        "§ has too many digits for orders",
    ),
    (
        "",
        "goal = [{ count = \"days\", target = § }]",
        &["1", "731"],
        &["0.5"],
        "§ has too many digits for days",
    ),
    ("", "goal = [{ count = \"days\", target = § }]", &["731"], &["732", "1000"], "at most 731 days"),
    (
        "",
        "goal = [{ count = \"different\", target = § }]",
        &["732"],
        &["0.5"],
        "§ has too many digits for different articles",
    ),
    (
        "",
        "goal = [{ count = \"items\", target = § }]",
        &["0.125", "732"],
        &["0.0005"],
        "§ has too many digits for articles",
    ),
    (
        "",
        "goal = [{ count = \"spend\", target = § }]",
        &["0.25", "732"],
        &["0.005"],
        "§ has too many digits for money",
    ),
    ("", "goal = [{ count = \"units\", target = § }]", &["732"], &["0.5"], "§ has too many digits for units"),
    ("", "goal = [{ count = \"items\", target = § }]", &["1"], &["0", "-1"], POSITIVE),
    (
        "",
        "goal = [{ count = \"units\", target = 5§ }]",
        &[""],
        &[", skus = [\"a\"]", ", except_skus = [\"a\"]", ", minimum = 1"],
        "units are counted of whole orders: leave out articles and minimum",
    ),
    ("", "goal = [{ count = \"items\", target = 5, minimum = § }]", &["0", "1.25"], &["-1", "0.005"], MONEY),
    ("", "goal = [{ count = \"items\", target = 5, categories = [\"§\"] }]", &["a"], &[""], NAMES),
];

const OTHERS: &[Bound] = &[
    (OCCASION, "on = \"welcome\"\ngives = §", &["{ amount = 1 }"], &["[]"], "it gives nothing"),
    (
        OCCASION,
        "gives = { amount = 1 }\non = \"absence\"\n§",
        &["days = 1"],
        &["", "days = 0"],
        "it does not say after how many days somebody is absent",
    ),
    (
        OCCASION,
        "gives = { amount = 1 }\ndays = 5\non = \"§\"",
        &["absence", "welcome"],
        &["birthday", "joined", "first-purchase"],
        "`days` belongs to absence and welcome",
    ),
    (OCCASION, "gives = { amount = 1 }\non = \"birthday\"\nname = \"§\"", &["a"], &[""], TEXT),
    (OCCASION, "gives = { amount = 1 }\non = \"birthday\"\nwho = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (ACTIVITY, "gives = §", &["{ amount = 1 }"], &["[]"], "it gives nothing"),
    (ACTIVITY, "gives = { amount = 1 }\nname = \"§\"", &["a"], &[""], TEXT),
    (ACTIVITY, "gives = { amount = 1 }\nlimit = { day = § }", &["0"], &["-1"], NEGATIVE),
    (ACTIVITY, "gives = { amount = 1 }\nwho = { tags = [\"§\"] }", &["a"], &[""], NAMES),
    (ACTIVITY, "gives = { amount = § }", &["1", "1000000000"], &["0", "-1"], POSITIVE),
    (
        ACTIVITY,
        "gives = { amount = § }",
        &["1"],
        &["0.5"],
        "§ has more digits after the point than point counts",
    ),
    (
        ACTIVITY,
        "gives = { amount = §, unit = \"ticket\", scale = 1 }",
        &["0.5"],
        &["0.25"],
        "§ has more digits after the point than ticket.1 counts",
    ),
    (
        ACTIVITY,
        "gives = { amount = 1§ }",
        &["", ", unit = \"ticket\"", ", unit = \"ticket\", scale = 0"],
        &[", scale = 0", ", scale = 1"],
        "`scale` belongs to a unit that is named",
    ),
    (ACTIVITY, "gives = { amount = 1§ }", &[], &[", days = 3"], "`days` belongs to a voucher"),
    (ACTIVITY, "gives = { § }", &[], &["", "unit = \"ticket\""], "it does not say what it gives"),
    (
        ACTIVITY,
        "gives = { amount = 1, expiry = { § } }",
        &["days = 1"],
        &["warn_days = 1"],
        "it does not say when units expire",
    ),
    (
        VOUCHER,
        "[[activity]]\nid = \"a\"\ngives = { voucher = \"v\"§ }",
        &["", ", days = 3"],
        &[", amount = 1", ", unit = \"ticket\"", ", scale = 1", ", expiry = { days = 1 }"],
        BOTH,
    ),
    (
        "[[reward]]\nid = \"w\"\nkind = \"gift\"\ncost = 1\n[[reward]]\nid = \"v\"\nkind = \"amount-off\"\namount = 1\nvoucher = true\n",
        "[[activity]]\nid = \"a\"\ngives = { voucher = \"§\" }",
        &["v"],
        &["w", "x"],
        "no reward “§” takes a voucher",
    ),
    (GIVING, "cause = \"c\"\npercent = §", &["0.01", "100"], &["100.01", "101", "0.005"], PERCENT),
    (GIVING, "cause = \"c\"\npercent = §", &["1"], &["0", "-1"], POSITIVE),
    (GIVING, "percent = 1\ncause = \"§\"", &["c"], &["", "a b"], ID),
    (GIVING, "percent = 1\ncause = \"c\"\nname = \"§\"", &["a"], &[""], TEXT),
    (GIVING, "percent = 1\ncause = \"c\"\nminimum = §", &["0"], &["-1"], MONEY),
    (GIVING, "percent = 1\ncause = \"c\"\ncategories = [\"§\"]", &["a"], &[""], NAMES),
    (
        "[referral]\n",
        "§",
        &["friend = { amount = 1 }", "referrer = { amount = 1 }"],
        &["", "friend = []\nreferrer = []"],
        "it gives nothing to anybody",
    ),
    (REFERRAL, "minimum = §", &["0", "0.01"], &["-0.01", "0.001", "-1"], MONEY),
    (REFERRAL, "limit = { year = § }", &["0"], &["-1"], NEGATIVE),
    (
        REFERRAL,
        "limit = { § }",
        &["period = 1, period_days = 731"],
        &["period = 1, period_days = 732", "period = 1"],
        PERIOD,
    ),
    (REFERRAL, "referrer = { amount = § }", &["1"], &["0"], POSITIVE),
    (
        MEMBERSHIP,
        "months = 1\nname = \"§\"",
        &["a", "‹29›"],
        &["", "‹30›", "A"],
        "its name is made of small letters, digits, - and _, at most 29",
    ),
    (
        MEMBERSHIP,
        "name = \"a\"\n§",
        &["months = 1", "days = 1", "months = 120", "days = 3660", "months = 120\ndays = 3660"],
        &["", "months = 121", "days = 3661", "months = 1\ndays = 3661", "months = 121\ndays = 1"],
        "a term lasts at least a day and at most ten years",
    ),
    (
        GOODWILL,
        "at_once = 5\nreasons = [\"§\"]",
        &["a", "‹64›"],
        &["", " ", "‹65›", "a\", \"", "\", \"a"],
        "there are 1 to 50 reasons of 1 to 64 bytes",
    ),
    (GOODWILL, "reasons = [\"a\"]\nat_once = §", &["0", "1000000000"], &["-1"], NEGATIVE),
    (
        GOODWILL,
        "reasons = [\"a\"]\nat_once = §",
        &["1"],
        &["0.5"],
        "§ has more digits after the point than the unit counts",
    ),
    (GOODWILL, "reasons = [\"a\"]\nat_once = 5\nfour_eyes_above = §", &["0"], &["-1"], NEGATIVE),
    (GOODWILL, "reasons = [\"a\"]\nat_once = 5\noperator = { day = § }", &["0"], &["-1"], NEGATIVE),
    (GOODWILL, "reasons = [\"a\"]\nat_once = 5\ndevice = { day = § }", &["0"], &["-1"], NEGATIVE),
    (GOODWILL, "reasons = [\"a\"]\nat_once = 5\nmember = { day = § }", &["0"], &["-1"], NEGATIVE),
];

#[test]
fn each_bound_is_taken_and_the_next_is_not() {
    let rights: Vec<(String, &Bound)> =
        RIGHTS.iter().map(|bound| (format!("{CHALLENGE}{}", bound.0), bound)).collect();
    let others = [HEADS, LADDERS, EARNING, REWARDS, OTHERS].into_iter().flatten();
    let all = others.map(|bound| (bound.0.to_owned(), bound)).chain(rights);
    for (before, (_, line, good, bad, says)) in all {
        for value in *good {
            let rules = format!("{before}{}\n", line.replace('§', value));
            assert_eq!(fault(&rules), "", "{rules}");
        }
        for value in *bad {
            let rules = format!("{before}{}\n", line.replace('§', value));
            assert_eq!(fault(&rules), spelled(&says.replace('§', value)), "{rules}");
        }
    }
}

/// A list of so many things, each different.
fn list(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(", ")
}

#[test]
fn lists_have_their_bounds_too() {
    let words = |count| list(count, |index| format!("\"w{index}\""));
    let shops = |count| list(count, |index| format!("\"{index:032x}\""));
    let many = "it names more than 2000";
    for (line, is_shop) in [
        ("shops = [§]", true),
        ("merchants = [§]", false),
        ("who = { tags = [§] }", false),
        ("[[earn]]\nper = \"order\"\namount = 1\nskus = [§]", false),
        ("[[earn]]\nper = \"order\"\namount = 1\nexcept_skus = [§]", false),
        ("[[earn]]\nper = \"order\"\namount = 1\ncategories = [§]", false),
        ("[[earn]]\nper = \"order\"\namount = 1\nexcept_categories = [§]", false),
    ] {
        let of = |count| line.replace('§', &if is_shop { shops(count) } else { words(count) });
        assert_eq!(fault(&of(2000)), "", "{line}");
        assert_eq!(fault(&of(2001)), many, "{line}");
    }
    for (line, one, most, says) in [
        ("name = { § }", "l§ = \"x\"", 20, TEXT),
        (
            "tiers = { by = \"spend\", window = \"year\", ladder = [§] }",
            "{ name = \"t\", from = § }",
            20,
            "a ladder has 1 to 20 tiers",
        ),
        ("goal = [§]", "{ count = \"days\", target = 1§ }", 20, "a challenge has 1 to 20 goals"),
        ("skus = [§]", "\"s§\"", 50, "at most 50 articles sell it"),
        ("reasons = [§]", "\"r§\"", 50, "there are 1 to 50 reasons of 1 to 64 bytes"),
    ] {
        let of = |count| {
            let listed = line.replacen('§', &list(count, |index| one.replace('§', &index.to_string())), 1);
            match line.split(' ').next().unwrap() {
                "name" => format!("{OFF}{listed}\n"),
                "goal" => format!("{CHALLENGE}{listed}\n"),
                "skus" => format!("{MEMBERSHIP}name = \"m\"\nmonths = 1\n{listed}\n"),
                "reasons" => format!("{GOODWILL}at_once = 5\n{listed}\n"),
                _ => format!("{listed}\n"),
            }
        };
        assert_eq!(fault(&of(1)), "", "{line}");
        assert_eq!(fault(&of(most)), "", "{line}");
        assert_eq!(fault(&of(most + 1)), says, "{line}");
        if !line.starts_with("skus") {
            assert_eq!(fault(&of(0)), says, "{line}");
        }
    }
    let gives = |count| format!("{ACTIVITY}gives = [{}]\n", list(count, |_| "{ amount = 1 }".to_owned()));
    assert_eq!(fault(&gives(10)), "");
    assert_eq!(fault(&gives(11)), "it gives at most 10 things");
}

#[test]
fn there_are_at_most_two_hundred_rules_of_a_kind() {
    for (kind, rule) in [
        ("earn", "per = \"order\"\namount = 1"),
        ("reward", "id = \"r§\"\nkind = \"gift\"\ncost = 1"),
        ("multiplier", "factor = 2"),
        ("voucher", "reward = \"v\""),
        ("message", "at = 1\ntext = \"a\""),
        ("challenge", "id = \"c§\"\ngoal = [{ count = \"days\", target = 1 }]"),
        ("occasion", "id = \"o§\"\non = \"welcome\"\ngives = { amount = 1 }"),
        ("activity", "id = \"a§\"\ngives = { amount = 1 }"),
        ("giving", "id = \"g§\"\ncause = \"c\"\npercent = 1"),
    ] {
        let of = |count: usize| {
            let rules =
                (0..count).map(|index| format!("[[{kind}]]\n{}\n", rule.replace('§', &index.to_string())));
            let needed = if kind == "voucher" { VOUCHER } else { "" };
            format!("{needed}{}", rules.collect::<String>())
        };
        assert_eq!(fault(&of(200)), "", "{kind}");
        assert_eq!(fault(&of(201)), "there are more than 200 of them", "{kind}");
    }
}

#[test]
fn a_rule_has_a_name_of_its_own() {
    let challenge = |id: &str| format!("[[challenge]]\nid = \"{id}\"\n{GOAL}");
    assert_eq!(fault(&spelled(&challenge("‹64›"))), "");
    for id in ["", "a b", "‹65›"] {
        assert_eq!(fault(&challenge(id)), ID, "{id}");
    }
    for (before, id) in [
        ("", "referral"),
        ("", "referrer"),
        ("", "membership"),
        ("", "goodwill"),
        (EARN, "e"),
        ("[[challenge]]\nid = \"x\"\ngoal = [{ count = \"days\", target = 1 }]\n", "x"),
    ] {
        let says = format!(
            "another rule is called “{id}”, or the name is one of [\"referral\", \"referrer\", \"membership\", \"goodwill\"]"
        );
        assert_eq!(fault(&format!("{before}{}", challenge(id))), says);
    }
    for (kind, rule) in [
        ("earn", "id = \"a\"\nper = \"order\"\namount = 1\n"),
        ("reward", "id = \"a\"\nkind = \"gift\"\ncost = 1\n"),
        ("multiplier", "id = \"a\"\nfactor = 2\n"),
    ] {
        let twice = format!("[[{kind}]]\n{rule}[[{kind}]]\n{rule}");
        assert_eq!(fault(&twice), "there are two with the id “a”");
    }
    // An earning rule and a reward may share one: they are never asked for in the same place.
    assert_eq!(
        fault(
            "[[earn]]\nid = \"a\"\nper = \"order\"\namount = 1\n[[reward]]\nid = \"a\"\nkind = \"gift\"\ncost = 1\n"
        ),
        ""
    );
}

#[test]
fn the_longer_of_window_and_grace_is_named() {
    for (window, grace, key) in
        [(400, 391, "window_days"), (391, 400, "grace_days"), (400, 400, "grace_days")]
    {
        let line = format!(
            "tiers = {{ by = \"visits\", window_days = {window}, grace_days = {grace}, ladder = [{{ name = \"a\", from = 1 }}] }}"
        );
        let error = Programme::parse_toml(&format!("{HEAD}{line}\n")).unwrap_err();
        let begins = line.find(&format!("{key} = ")).unwrap() + key.len() + " = ".len();
        assert_eq!((error.line, error.column), (3, begins as u32 + 1), "{error}");
    }
}

/// What an owner is warned of.
fn warned(rules: &str) -> Vec<String> {
    let text = format!("{HEAD}{rules}");
    Programme::parse_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}")).warnings()
}

const NOTHING: &[&str] = &[];
/// Gives and ends, so that nothing of it is regretted.
const GOOD: &str = "valid = { to = \"2026-12-31\" }\n";

#[test]
fn an_owner_is_warned_of_what_nobody_can_reach() {
    let gift = "nobody can reach the reward “r”: nothing gives point";
    let voucher = "nobody can reach the reward “v”: nothing gives a voucher for it";
    let grows = "what is earned in “point” never ends, and the programme has no end: what is owed only grows";
    let idle = "“point” can be earned, but there is nothing to spend it on";
    let given = |gives: &str| format!("{ACTIVITY}gives = {gives}\n");
    for (rules, says) in [
        (GIFT.to_owned(), &[gift][..]),
        (format!("{EARN}{GIFT}"), &[grows]),
        (format!("{GOOD}{EARN}{GIFT}"), NOTHING),
        (format!("expiry = {{ months = 1 }}\n{EARN}{GIFT}"), NOTHING),
        (format!("{GOOD}{EARN}"), &[idle]),
        (format!("{GOOD}unit = \"eur\"\nscale = 2\n{EARN}"), NOTHING),
        (
            format!("{GOOD}{EARN}{OFF}{AUTO}").replace("id = \"r\"\nkind = \"p", "id = \"q\"\nkind = \"p"),
            NOTHING,
        ),
        (format!("{GOOD}{EARN}{AUTO}"), &[idle]),
        // What a right gives counts as well, if it is units of the programme.
        (format!("{GOOD}{GIFT}{}", given("{ amount = 1 }")), NOTHING),
        (format!("{GOOD}{GIFT}{}", given("{ amount = 1, unit = \"point\" }")), NOTHING),
        (format!("{GOOD}{GIFT}{}", given("{ amount = 1, unit = \"ticket\" }")), &[gift]),
        (format!("{GOOD}{GIFT}{VOUCHER}{}", given("{ voucher = \"v\" }")), &[gift]),
        (format!("{GOOD}{GIFT}{OCCASION}on = \"welcome\"\ngives = {{ amount = 1 }}\n"), NOTHING),
        (format!("{GOOD}{GIFT}{CHALLENGE}{GOAL}"), NOTHING),
        (format!("{GOOD}{GIFT}{REFERRAL}"), NOTHING),
        (format!("{GOOD}{GIFT}[referral]\nminimum = 1\nreferrer = {{ amount = 1 }}\n"), NOTHING),
        (
            format!(
                "{GOOD}tiers = {{ by = \"visits\", window = \"year\", ladder = [{{ name = \"t\", from = 1, gives = {{ amount = 1 }} }}] }}\n{GIFT}"
            ),
            NOTHING,
        ),
        (VOUCHER.to_owned(), &[voucher]),
        (format!("{VOUCHER}[[voucher]]\nreward = \"v\"\n"), NOTHING),
        (format!("{VOUCHER}{}", given("{ voucher = \"v\" }")), NOTHING),
        (format!("{VOUCHER}{}[[voucher]]\nreward = \"w\"\n", VOUCHER.replace("\"v\"", "\"w\"")), &[voucher]),
    ] {
        assert_eq!(warned(&rules), says, "{rules}");
    }
}

#[test]
fn an_owner_is_warned_of_what_the_law_says_of_stored_value() {
    let law = "stored value that was paid for may not expire before the end of the third year \
        (German civil code §§ 195, 199)";
    for (unit, expiry, is_early) in [
        ("eur", "months = 47", true),
        ("eur", "months = 48", false),
        ("eur", "months = 35, to_end_of = \"year\"", true),
        ("eur", "months = 36, to_end_of = \"year\"", false),
        ("eur", "months = 47, to_end_of = \"month\"", true),
        ("eur", "days = 20000", true),
        ("eur", "idle_months = 47", true),
        ("eur", "idle_months = 48", false),
        ("eur", "idle_days = 20000", true),
        ("eur", "months = 48, idle_months = 47", true),
        ("point", "months = 1", false),
    ] {
        let rules = format!("unit = \"{unit}\"\nscale = 2\nexpiry = {{ {expiry} }}\n{EARN}{GIFT}");
        let says = if is_early { vec![law.to_owned()] } else { Vec::new() };
        assert_eq!(warned(&rules), says, "{unit}: {expiry}");
    }
}

#[test]
fn an_owner_is_warned_of_rights_that_are_regretted() {
    let budget = "goodwill has no budget: name a limit for each operator or device";
    let cheat =
        "a referral without `minimum` is rewarded for any purchase, however small: it invites cheating";
    let different =
        |goal: &str| format!("{GOOD}{EARN}{GIFT}{CHALLENGE}goal = [{{ count = \"different\", {goal} }}]\n");
    let three = "nobody can reach the challenge “c”: it names 2 articles and asks for 3 different ones";
    for (rules, says) in [
        (different("target = 3, skus = [\"a\", \"b\"]"), &[three][..]),
        (different("target = 2, skus = [\"a\", \"b\"]"), NOTHING),
        (different("target = 3, skus = [\"a\", \"b\"], categories = [\"c\"]"), NOTHING),
        (different("target = 3"), NOTHING),
        (different("target = 3, skus = [\"a\", \"b\"]").replace("different", "items"), NOTHING),
        (
            different("target = 1").replace("gives = { amount = 1 }\n", ""),
            &["the challenge “c” gives nothing"],
        ),
        (format!("{GOODWILL}reasons = [\"a\"]\nat_once = 5\n"), &[budget]),
        (format!("{GOODWILL}reasons = [\"a\"]\nat_once = 5\nmember = {{ day = 5 }}\n"), &[budget]),
        (format!("{GOODWILL}reasons = [\"a\"]\nat_once = 5\noperator = {{ day = 5 }}\n"), NOTHING),
        (format!("{GOODWILL}reasons = [\"a\"]\nat_once = 5\ndevice = {{ day = 5 }}\n"), NOTHING),
        (format!("{GOOD}{GIFT}[referral]\nreferrer = {{ amount = 1 }}\n"), &[cheat]),
        (format!("{GOOD}{GIFT}[referral]\nfriend = {{ amount = 1 }}\n"), NOTHING),
        (format!("{GOOD}{GIFT}[referral]\nminimum = 1\nreferrer = {{ amount = 1 }}\n"), NOTHING),
    ] {
        assert_eq!(warned(&rules), says, "{rules}");
    }
}
