use rstest::rstest;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[rstest]
#[case("127.0.0.1", Bar::Loopback)]
#[case("127.255.255.254", Bar::Loopback)]
#[case("::1", Bar::Loopback)]
#[case("::ffff:127.0.0.1", Bar::Loopback)]
#[case("::127.0.0.1", Bar::Loopback)]
#[case("::ffff:0:127.0.0.1", Bar::Loopback)]
#[case("64:ff9b::127.0.0.1", Bar::Loopback)]
#[case("64:ff9b:1::127.0.0.1", Bar::Loopback)]
#[case("64:ff9b:1:7f00:0:100::", Bar::Loopback)]
#[case("2002:7f00:1::", Bar::Loopback)]
#[case("169.254.0.1", Bar::LinkLocal)]
#[case("169.254.255.255", Bar::LinkLocal)]
#[case("fe80::1", Bar::LinkLocal)]
#[case("febf::1", Bar::LinkLocal)]
#[case("::ffff:169.254.1.1", Bar::LinkLocal)]
#[case("169.254.169.254", Bar::Metadata)]
#[case("64:ff9b::169.254.169.254", Bar::Metadata)]
#[case("fd00:ec2::254", Bar::Metadata)]
#[case("fd20:ce::254", Bar::Metadata)]
#[case("100.100.100.200", Bar::Metadata)]
#[case("168.63.129.16", Bar::Metadata)]
#[case("0.0.0.0", Bar::Unspecified)]
#[case("0.1.2.3", Bar::Unspecified)]
#[case("::", Bar::Unspecified)]
#[case("::ffff:0.0.0.0", Bar::Unspecified)]
#[case("224.0.0.1", Bar::Multicast)]
#[case("239.255.255.250", Bar::Multicast)]
#[case("ff02::1", Bar::Multicast)]
#[case("255.255.255.255", Bar::Broadcast)]
fn is_barred(#[case] text: &str, #[case] bar: Bar) {
    let barred = AddressPolicy::default().check(address(text)).unwrap_err();
    assert_eq!(barred, Barred { address: address(text), bar });
}

#[rstest]
#[case("10.0.0.1")]
#[case("172.16.0.1")]
#[case("192.168.1.1")]
#[case("100.64.0.1")]
#[case("fd00::1")]
#[case("1.1.1.1")]
#[case("2606:4700::1111")]
#[case("::ffff:10.0.0.1")]
#[case("64:ff9b::10.0.0.1")]
#[case("64:ff9b:1::10.0.0.1")]
#[case("64:ff9b:1:a00:0:100::")]
#[case("128.0.0.1")]
#[case("169.253.255.255")]
#[case("169.255.0.1")]
#[case("fec0::1")]
fn is_let_through(#[case] text: &str) {
    assert_eq!(AddressPolicy::default().check(address(text)), Ok(()));
}

#[rstest]
#[case("127.0.0.0/8", "127.0.0.1", true)]
#[case("127.0.0.0/8", "::ffff:127.0.0.1", true)]
#[case("127.0.0.1", "127.0.0.1", true)]
#[case("127.0.0.1", "127.0.0.2", false)]
#[case("127.0.0.0/31", "127.0.0.2", false)]
#[case("0.0.0.0/0", "169.254.169.254", true)]
#[case("0.0.0.0/0", "::1", false)]
#[case("::/0", "::1", true)]
#[case("::/0", "127.0.0.1", false)]
#[case("::1/128", "::1", true)]
#[case("fe80::/64", "fe80:0:0:1::1", false)]
#[case("169.254.20.10/32", "169.254.20.10", true)]
fn a_block_opens_what_it_holds(#[case] block: &str, #[case] text: &str, #[case] open: bool) {
    let policy = AddressPolicy::parse(&[block.to_owned()]).unwrap();
    assert_eq!(policy.check(address(text)).is_ok(), open);
}

#[rstest]
#[case("")]
#[case("10.0.0.0/33")]
#[case("::/129")]
#[case("10.0.0/8")]
#[case("10.0.0.0/")]
#[case("10.0.0.0/+8")]
#[case("10.0.0.0/-1")]
#[case("10.0.0.0/8/8")]
#[case("localhost")]
fn what_is_no_block_is_refused_by_name(#[case] text: &str) {
    assert_eq!(AddressPolicy::parse(&[text.to_owned()]), Err(BlockError { text: text.to_owned() }));
}

#[test]
fn the_message_names_the_address_and_what_to_do() {
    let barred = AddressPolicy::default().check(address("169.254.169.254")).unwrap_err().to_string();
    assert!(barred.contains("169.254.169.254 is a cloud metadata address"), "{barred}");
    assert!(barred.contains("allowed addresses"), "{barred}");
}
