use std::time::Duration;

#[derive(Clone, Debug)]
pub enum Sign {
    None,
    /// base64(HMAC-SHA256(secret, method + public URL + body + timestamp))
    HubSpotV3,
    /// prefix + hex(HMAC-SHA256(secret, body)) in the named header
    HmacHex {
        header: String,
        prefix: String,
    },
}

#[derive(Clone, Debug)]
pub struct Options {
    pub address: String,
    pub path: String,
    pub connections: usize,
    pub warmup: Duration,
    pub seconds: Duration,
    pub grace: Duration,
    pub batch: usize,
    pub rate: Option<f64>,
    pub sign: Sign,
    pub secret: String,
    pub public_base: String,
    pub headers: Vec<String>,
    pub tamper: bool,
    pub once: bool,
    pub label: String,
}

pub fn parse() -> Options {
    let mut options = Options {
        address: String::new(),
        path: String::new(),
        connections: 16,
        warmup: Duration::from_secs(2),
        seconds: Duration::from_secs(8),
        grace: Duration::from_secs(10),
        batch: 1,
        rate: None,
        sign: Sign::HubSpotV3,
        secret: "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41".into(),
        public_base: "https://hooks.example.com".into(),
        headers: Vec::new(),
        tamper: false,
        once: false,
        label: String::new(),
    };
    let mut sign = String::from("hubspot-v3");
    let mut header = String::from("X-Hub-Signature-256");
    let mut prefix = String::new();

    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| usage(&name));
        match name.as_str() {
            "--url" => (options.address, options.path) = split_url(&value()),
            "--connections" => options.connections = number(&name, &value()),
            "--warmup" => options.warmup = Duration::from_secs_f64(number(&name, &value())),
            "--seconds" => options.seconds = Duration::from_secs_f64(number(&name, &value())),
            "--grace" => options.grace = Duration::from_secs_f64(number(&name, &value())),
            "--batch" => options.batch = number(&name, &value()),
            "--rate" => options.rate = Some(number(&name, &value())),
            "--sign" => sign = value(),
            "--sign-header" => header = value(),
            "--sign-prefix" => prefix = value(),
            "--secret" => options.secret = value(),
            "--public-base" => options.public_base = value(),
            "--header" => options.headers.push(value()),
            "--label" => options.label = value(),
            "--tamper" => options.tamper = true,
            "--once" => options.once = true,
            _ => usage(&name),
        }
    }
    options.sign = match sign.as_str() {
        "none" => Sign::None,
        "hubspot-v3" => Sign::HubSpotV3,
        "hmac-hex" => Sign::HmacHex { header, prefix },
        _ => usage("--sign"),
    };
    let sensible = (1..=4096).contains(&options.connections)
        && (1..=1000).contains(&options.batch)
        && options.seconds <= Duration::from_secs(600)
        && options.rate.is_none_or(|rate| rate > 0.0);
    if options.address.is_empty() || !sensible {
        usage("--url, --connections, --batch, --seconds or --rate");
    }
    options
}

/// `http://127.0.0.1:7000/a?b=c` into address and path; loopback only.
fn split_url(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| usage("--url"));
    let (address, path) = match rest.find('/') {
        Some(at) => (&rest[..at], &rest[at..]),
        None => (rest, "/"),
    };
    if !(address.starts_with("127.") || address.starts_with("[::1]:")) {
        eprintln!("driver: only loopback addresses are allowed, not {address}");
        std::process::exit(2);
    }
    (address.into(), path.into())
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> T {
    text.parse().unwrap_or_else(|_| usage(name))
}

fn usage(at: &str) -> ! {
    eprintln!(
        "driver: bad or missing option at {at}\n\
         usage: driver --url http://127.0.0.1:PORT/PATH [--connections N] [--batch N]\n\
         \x20  [--warmup S] [--seconds S] [--grace S] [--rate REQUESTS_PER_SECOND]\n\
         \x20  [--sign hubspot-v3|none|hmac-hex] [--sign-header NAME] [--sign-prefix TEXT]\n\
         \x20  [--secret TEXT] [--public-base URL] [--header 'NAME: VALUE']...\n\
         \x20  [--label TEXT] [--once] [--tamper]"
    );
    std::process::exit(2)
}
