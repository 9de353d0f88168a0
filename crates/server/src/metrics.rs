//! What the server counts, in the text form that Prometheus reads.
//!
//! Labels come from fixed lists (routes as they are written in the router, status codes, names of outcomes), so
//! the number of series is bounded. Nothing here says who asked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of a request's time, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// A route as the router writes it, the method, the status.
type RequestKey = (String, &'static str, u16);

#[derive(Debug, Default)]
struct Times {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum_seconds: f64,
}

#[derive(Debug, Default)]
struct Counted {
    requests: BTreeMap<RequestKey, u64>,
    times: BTreeMap<String, Times>,
    counters: BTreeMap<(&'static str, &'static str), u64>,
    in_flight: i64,
    connections: i64,
}

/// What was counted since the process began.
#[derive(Debug, Default)]
pub struct Metrics {
    counted: Mutex<Counted>,
}

/// A figure that is asked for when somebody reads: its name, its help, its value.
pub type Gauge = (&'static str, &'static str, f64);

impl Metrics {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request came in.
    pub fn began(&self) {
        self.counted().in_flight += 1;
    }

    /// A request was answered. `route` is the router's pattern, never what was asked for.
    pub fn answered(&self, route: &str, method: &str, status: u16, took: Duration) {
        let method = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]
            .into_iter()
            .find(|known| *known == method)
            .unwrap_or("other");
        let seconds = took.as_secs_f64();
        let mut counted = self.counted();
        counted.in_flight -= 1;
        *counted.requests.entry((route.to_owned(), method, status)).or_default() += 1;
        let times = counted.times.entry(route.to_owned()).or_default();
        times.count += 1;
        times.sum_seconds += seconds;
        for (bucket, bound) in times.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Adds to a counter: `name` is one of [`HELP`]'s, `outcome` its one label.
    pub fn add(&self, name: &'static str, outcome: &'static str, by: u64) {
        *self.counted().counters.entry((name, outcome)).or_default() += by;
    }

    /// A connection began (1) or ended (-1).
    pub fn connection(&self, by: i64) {
        self.counted().connections += by;
    }

    /// Everything, with figures that were asked for just now.
    pub fn text(&self, gauges: &[Gauge]) -> String {
        let counted = self.counted();
        let mut text = String::with_capacity(8 * 1024);
        head(&mut text, "stempel_build_info", "gauge", "The version of the program.");
        line(&mut text, &format!("stempel_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0);
        head(&mut text, "stempel_http_requests_total", "counter", "Requests by route, method and status.");
        for ((route, method, status), count) in &counted.requests {
            let series = format!(
                "stempel_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"
            );
            line(&mut text, &series, *count as f64);
        }
        head(&mut text, "stempel_http_request_seconds", "histogram", "How long requests took, by route.");
        for (route, times) in &counted.times {
            let name = "stempel_http_request_seconds";
            for (bound, bucket) in BUCKETS.iter().zip(times.buckets) {
                line(&mut text, &format!("{name}_bucket{{route=\"{route}\",le=\"{bound}\"}}"), bucket as f64);
            }
            line(&mut text, &format!("{name}_bucket{{route=\"{route}\",le=\"+Inf\"}}"), times.count as f64);
            line(&mut text, &format!("{name}_sum{{route=\"{route}\"}}"), times.sum_seconds);
            line(&mut text, &format!("{name}_count{{route=\"{route}\"}}"), times.count as f64);
        }
        for (name, help, label) in HELP {
            head(&mut text, name, "counter", help);
            for ((_, outcome), count) in counted.counters.iter().filter(|((counter, _), _)| *counter == name)
            {
                line(&mut text, &format!("{name}{{{label}=\"{outcome}\"}}"), *count as f64);
            }
        }
        let own = [
            ("stempel_http_requests_in_flight", "Requests being worked on.", counted.in_flight as f64),
            ("stempel_connections", "Open connections.", counted.connections as f64),
        ];
        for (name, help, value) in own.iter().chain(gauges) {
            head(&mut text, name, "gauge", help);
            line(&mut text, name, *value);
        }
        text
    }
}

/// Every counter with one label: name, help, label.
pub const HELP: [(&str, &str, &str); 4] = [
    ("stempel_push_rows_total", "Rows of pushes by what became of them.", "outcome"),
    ("stempel_logins_total", "Attempts to sign in, by outcome.", "outcome"),
    ("stempel_mails_total", "Mails by outcome.", "outcome"),
    ("stempel_api_writes_total", "Writes through the API, by kind.", "kind"),
];

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, series: &str, value: f64) {
    let _ = writeln!(text, "{series} {value}");
}

/// What the system says of this process: memory in bytes, open files. Linux only.
pub fn of_process() -> Vec<Gauge> {
    let mut gauges = Vec::new();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    if let Some(kibibytes) = kibibytes {
        gauges.push(("process_resident_memory_bytes", "Resident memory.", kibibytes * 1024.0));
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        gauges.push(("process_open_fds", "Open files.", files.count() as f64));
    }
    gauges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fall_into_every_bucket_that_holds_them() {
        let metrics = Metrics::default();
        metrics.began();
        metrics.answered("/v1/push", "POST", 200, Duration::from_millis(30));
        metrics.began();
        metrics.answered("/v1/push", "BREW", 503, Duration::from_secs(60));
        metrics.add("stempel_logins_total", "refused", 2);
        let text = metrics.text(&[("stempel_tenants", "Tenants.", 3.0)]);
        for expected in [
            "stempel_http_requests_total{route=\"/v1/push\",method=\"POST\",status=\"200\"} 1",
            "stempel_http_requests_total{route=\"/v1/push\",method=\"other\",status=\"503\"} 1",
            "stempel_http_request_seconds_bucket{route=\"/v1/push\",le=\"0.02\"} 0",
            "stempel_http_request_seconds_bucket{route=\"/v1/push\",le=\"0.05\"} 1",
            "stempel_http_request_seconds_bucket{route=\"/v1/push\",le=\"30\"} 1",
            "stempel_http_request_seconds_bucket{route=\"/v1/push\",le=\"+Inf\"} 2",
            "stempel_logins_total{outcome=\"refused\"} 2",
            "stempel_tenants 3",
            "stempel_http_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|line| line == expected), "{expected}\n{text}");
        }
    }
}
