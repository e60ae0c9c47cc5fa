//! Chance that can be had again: the seed is printed.

/// xorshift64.
pub struct Random(u64);

impl Random {
    /// With the seed of `FAULTS_SEED`, else one of its own.
    pub fn new() -> Self {
        let given = std::env::var("FAULTS_SEED").ok().and_then(|text| text.parse().ok());
        let own = || std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
        let seed = given.unwrap_or_else(own) | 1;
        println!("FAULTS_SEED={seed}");
        Self(seed)
    }

    /// 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
