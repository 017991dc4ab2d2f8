//! The header of the PROXY protocol, read as the listener reads it: so much as is asked for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use siths_idp::proxy::protocol::{MAX_HEADER, Progress, read};

fuzz_target!(|data: &[u8]| {
    let mut come = 0;
    let whole = loop {
        match read(&data[..come]) {
            Ok(Progress::More(more)) => {
                assert!(more > 0 && come + more <= MAX_HEADER);
                come += more;
                if come > data.len() {
                    return;
                }
            }
            Ok(Progress::Whole(announced)) => break Some(announced),
            Err(_) => break None,
        }
    };
    // Nothing that was certain changes with what comes after it, and nothing beyond is a header.
    let beyond = read(data);
    match whole {
        None => assert!(beyond.is_err(), "{beyond:?}"),
        Some(announced) => {
            let is_all = data.len() == come;
            assert_eq!(beyond.is_ok_and(|read| read == Progress::Whole(announced)), is_all);
        }
    }
});
