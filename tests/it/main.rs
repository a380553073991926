//! Every scenario through every shell.

#![allow(clippy::unwrap_used)]

mod by_hand {
    cvm_scenarios::scenarios!(every, cvm_scenarios::shell::ByHand);
}

/// The same requests and the same errors where the exchange is the user's.
mod hyper {
    cvm_scenarios::scenarios!(every, cvm_scenarios::shell::Hyper);
}

mod reqwest {
    cvm_scenarios::scenarios!(every, cvm_scenarios::shell::Reqwest);

    mod client {
        cvm_scenarios::scenarios!(clients, cvm_scenarios::shell::Reqwest);
    }

    mod futures;
    mod providers;
    mod seams;
}

mod ureq {
    cvm_scenarios::scenarios!(every, cvm_ureq::Client);

    mod client {
        cvm_scenarios::scenarios!(clients, cvm_ureq::Client);
    }

    mod providers;
    mod seams;
}
