//! Measures Smith against the same work done without it; run by `make bench`.

use anyhow::{Context as _, Result, bail};
use smith_tests::bench::{self, Request, Scale, Subject};

const USAGE: &str = "smith-bench [--quick] [--only create,journal,stream,iteration,core,memory,cancel,terminal,workstation] [--write FILE]";

fn request() -> Result<Request> {
    let mut request = Request { scale: Scale::full(), subjects: Subject::main(), page: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => request.scale = Scale::quick(),
            "--write" => request.page = Some(args.next().context(USAGE)?.into()),
            "--only" => {
                let names = args.next().context(USAGE)?;
                let known = |name: &str| Subject::ALL.into_iter().find(|s| s.name() == name);
                let found = names.split(',').map(|name| known(name).context(USAGE));
                request.subjects = found.collect::<Result<_>>()?;
            }
            _ => bail!(USAGE),
        }
    }
    Ok(request)
}

#[tokio::main]
async fn main() -> Result<()> {
    bench::run(request()?).await
}
