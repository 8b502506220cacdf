package descriptor

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// The keys of the vectors, each with its public key.
const (
	wif1   = "L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"
	pub1   = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	xonly1 = "a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd"
	wif1u  = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	pub1u  = "04a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
	hyb1   = "07a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235"
	wif2   = "KzoAz5CanayRKex3fSLQ2BwJpN7U52gZvxMyk78nDMHuqrUxuSJy"
	xonly3 = "03a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5"
	xonly2 = "669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0"

	xprvA = "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc"
	xpubA = "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL"
	xprvB = "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L"
	xpubB = "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"
	xprvC = "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U"
	xpubC = "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB"
	xprvD = "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt"
	xpubD = "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH"
	xprvE = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"
	xpubE = "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8"
	xprvF = "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334"
	xpubF = "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV"
)

// public has the public key of each private one above.
var public = strings.NewReplacer(
	xprvA, xpubA, xprvB, xpubB, xprvC, xpubC, xprvD, xpubD, xprvE, xpubE, xprvF, xpubF,
	wif1, pub1, wif1u, pub1u)

// The wallet of the large multisigs.
var (
	manyWIFs = strings.Fields(`KzoAz5CanayRKex3fSLQ2BwJpN7U52gZvxMyk78nDMHuqrUxuSJy KwGNz6YCCQtYvFzMtrC6D3tKTKdBBboMrLTsjr2NYVBwapCkn7Mr
		KxogYhiNfwxuswvXV66eFyKcCpm7dZ7TqHVqujHAVUjJxyivxQ9X L2BUNduTSyZwZjwNHynQTF14mv2uz2NRq5n5sYWTb4FkkmqgEE9f
		L1okJGHGn1kFjdXHKxXjwVVtmCMR2JA5QsbKCSpSb7ReQjezKeoD KxDCNSST75HFPaW5QKpzHtAyaCQC7p9Vo3FYfi2u4dXD1vgMiboK
		L5edQjFtnkcf5UWURn6UuuoFrabgDQUHdheKCziwN42aLwS3KizU KzF8UWFcEC7BYTq8Go1xVimMkDmyNYVmXV5PV7RuDicvAocoPB8i
		L3nHUboKG2w4VSJ5jYZ5CBM97oeK6YuKvfZxrefdShECcjEYKMWZ KyjHo36dWkYhimKmVVmQTq3gERv3pnqA4xFCpvUgbGDJad7eS8WE
		KwsfyHKRUTZPQtysN7M3tZ4GXTnuov5XRgjdF2XCG8faAPmFruRF KzCUbGhN9LJhdeFfL9zQgTJMjqxdBKEekRGZX24hXdgCNCijkkap
		KzgpMBwwsDLwkaC5UrmBgCYaBD2WgZ7PBoGYXR8KT7gCA9UTN5a3 KyBXTPy4T7YG4q9tcAM3LkvfRpD1ybHMvcJ2ehaWXaSqeGUxEdkP
		KzJDe9iwJRPtKP2F2AoN6zBgzS7uiuAwhWCfGdNeYJ3PC1HNJ8M8 L1xbHrxynrqLKkoYc4qtoQPx6uy5qYXR5ZDYVYBSRmCV5piU3JG9
		KzRedjSwMggebB3VufhbzpYJnvHfHe9kPJSjCU5QpJdAW3NSZxYS Kyjtp5858xL7JfeV4PNRCKy2t6XvgqNNepArGY9F9F1SSPqNEMs3
		L2D4RLHPiHBidkHS8ftx11jJk1hGFELvxh8LoxNQheaGT58dKenW KyLPZdwY4td98bKkXqEXTEBX3vwEYTQo1yyLjX2jKXA63GBpmSjv`)
	manyPubs = strings.Fields(`03669b8afcec803a0d323e9a17f3ea8e68e8abe5a278020a929adbec52421adbd0 0260b2003c386519fc9eadf2b5cf124dd8eea4c4e68d5e154050a9346ea98ce600
		0362a74e399c39ed5593852a30147f2959b56bb827dfa3e60e464b02ccf87dc5e8 0261345b53de74a4d721ef877c255429961b7e43714171ac06168d7e08c542a8b8
		02da72e8b46901a65d4374fe6315538d8f368557dda3a1dcf9ea903f3afe7314c8 0318c82dd0b53fd3a932d16e0ba9e278fcc937c582d5781be626ff16e201f72286
		0297ccef1ef99f9d73dec9ad37476ddb232f1238aff877af19e72ba04493361009 02e502cfd5c3f972fe9a3e2a18827820638f96b6f347e54d63deb839011fd5765d
		03e687710f0e3ebe81c1037074da939d409c0025f17eb86adb9427d28f0f7ae0e9 02c04d3a5274952acdbc76987f3184b346a483d43be40874624b29e3692c1df5af
		02ed06e0f418b5b43a7ec01d1d7d27290fa15f75771cb69b642a51471c29c84acd 036d46073cbb9ffee90473f3da429abc8de7f8751199da44485682a989a4bebb24
		02f5d1ff7c9029a80a4e36b9a5497027ef7f3e73384a4a94fbfe7c4e9164eec8bc 02e41deffd1b7cce11cde209a781adcffdabd1b91c0ba0375857a2bfd9302419f3
		02d76625f7956a7fc505ab02556c23ee72d832f1bac391bcd2d3abce5710a13d06 0399eb0a5487515802dc14544cf10b3666623762fbed2ec38a3975716e2c29c232
		02bc2feaa536991d269aae46abb8f3772a5b3ad592314945e51543e7da84c4af6e 0318bf32e5217c1eb771a6d5ce1cd39395dff7ff665704f175c9a5451d95a2f2ca
		02c681a6243f16208c2004bb81f5a8a67edfdd3e3711534eadeec3dcf0b010c759 0249fdd6b69768b8d84b4893f8ff84b36835c50183de20fcae8f366a45290d01fd`)
)

// vector is a descriptor and its scripts, at the indices from 0 if it has many
// places. Where the canonical form is not what public makes of desc, it is in
// text.
type vector struct {
	desc     string
	text     string
	scripts  [][]string
	ranged   bool
	hardened bool // takes private keys
}

func one(scripts ...string) [][]string { return [][]string{scripts} }

// valid has the vectors of the BIPs and those that Bitcoin Core tests besides.
var valid = map[string][]vector{
	"BIP 381": {
		{desc: "pk(" + wif1 + ")", scripts: one("2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac")},
		{desc: "pk(" + pub1 + ")", scripts: one("2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac")},
		{desc: "pkh([deadbeef/1/2'/3/4']" + wif1 + ")", scripts: one("76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac")},
		{desc: "pkh([deadbeef/1/2h/3/4h]" + pub1 + ")", scripts: one("76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac")},
		{desc: "pk(" + wif1u + ")", scripts: one("4104a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235ac")},
		{desc: "pkh(" + wif1u + ")", scripts: one("76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac")},
		{desc: "sh(pk(" + wif1 + "))", scripts: one("a9141857af51a5e516552b3086430fd8ce55f7c1a52487")},
		{desc: "sh(pkh(" + wif1 + "))", scripts: one("a9141a31ad23bf49c247dd531a623c2ef57da3c400c587")},
		{desc: "pk(" + xprvB + "/0)", scripts: one("210379e45b3cf75f9c5f9befd8e9506fb962f6a9d185ac87001ec44a8d3df8d4a9e3ac")},
		{desc: "pkh(" + xprvC + "/2147483647'/0)", hardened: true, scripts: one("76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac")},
		{desc: "pkh([bd16bee5/2147483647h]xpub69H7F5dQzmVd3vPuLKtcXJziMEQByuDidnX3YdwgtNsecY5HRGtAAQC5mXTt4dsv9RzyjgDjAQs9VGVV6ydYCHnprc9vvaA5YtqWyL6hyds/0)", scripts: one("76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac")},
		{desc: "pkh([01234567/10/20]" + xprvC + "/2147483647'/0)", hardened: true, scripts: one("76a914ebdc90806a9c4356c1c88e42216611e1cb4c1c1788ac")},
	},
	"BIP 382": {
		{desc: "wpkh(" + wif1 + ")", scripts: one("00149a1c78a507689f6f54b847ad1cef1e614ee23f1e")},
		{desc: "sh(wpkh(" + wif1 + "))", scripts: one("a91484ab21b1b2fd065d4504ff693d832434b6108d7b87")},
		{desc: "wpkh([ffffffff/13']" + xprvD + "/1/2/*)", ranged: true, scripts: [][]string{
			{"0014326b2249e3a25d5dc60935f044ee835d090ba859"}, {"0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7"}, {"00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27"}}},
		{desc: "wpkh([ffffffff/13h]" + xpubD + "/1/2/*)", ranged: true, scripts: [][]string{
			{"0014326b2249e3a25d5dc60935f044ee835d090ba859"}, {"0014af0bd98abc2f2cae66e36896a39ffe2d32984fb7"}, {"00141fa798efd1cbf95cebf912c031b8a4a6e9fb9f27"}}},
		{desc: "sh(wpkh(" + xprvE + "/10/20/30/40/*'))", ranged: true, hardened: true, scripts: [][]string{
			{"a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87"}, {"a914bed59fc0024fae941d6e20a3b44a109ae740129287"}, {"a9148483aa1116eb9c05c482a72bada4b1db24af654387"}}},
		{desc: "sh(wpkh(" + xprvE + "/10/20/30/40/*h))", ranged: true, hardened: true, scripts: [][]string{
			{"a9149a4d9901d6af519b2a23d4a2f51650fcba87ce7b87"}, {"a914bed59fc0024fae941d6e20a3b44a109ae740129287"}, {"a9148483aa1116eb9c05c482a72bada4b1db24af654387"}}},
		{desc: "wsh(pkh(" + wif1 + "))", scripts: one("0020338e023079b91c58571b20e602d7805fb808c22473cbc391a41b1bd3a192e75b")},
		{desc: "wsh(pk(" + wif1 + "))", scripts: one("00202e271faa2325c199d25d22e1ead982e45b64eeb4f31e73dbdf41bd4b5fec23fa")},
		{desc: "sh(wsh(pk(" + wif1 + ")))", scripts: one("a91472d0c5a3bfad8c3e7bd5303a72b94240e80b6f1787")},
		{desc: "sh(wsh(pkh(" + wif1 + ")))", scripts: one("a914b61b92e2ca21bac1e72a3ab859a742982bea960a87")},
	},
	"BIP 383": {
		{desc: "multi(1," + wif1 + "," + wif1u + ")", scripts: one("512103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd4104a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea23552ae")},
		{desc: "sortedmulti(1," + wif1 + "," + wif1u + ")", scripts: one("512103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd4104a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea23552ae")},
		{desc: "sortedmulti(1," + wif1u + "," + wif1 + ")", scripts: one("512103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd4104a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea23552ae")},
		{desc: "sh(multi(2,[00000000/111'/222]" + xprvA + "," + xprvB + "/0))", scripts: one("a91445a9a622a8b0a1269944be477640eedc447bbd8487")},
		{desc: "sortedmulti(2," + xprvA + "/*," + xprvB + "/0/0/*)", ranged: true, scripts: [][]string{
			{"5221025d5fc65ebb8d44a5274b53bac21ff8307fec2334a32df05553459f8b1f7fe1b62102fbd47cc8034098f0e6a94c6aeee8528abf0a2153a5d8e46d325b7284c046784652ae"},
			{"52210264fd4d1f5dea8ded94c61e9641309349b62f27fbffe807291f664e286bfbe6472103f4ece6dfccfa37b211eb3d0af4d0c61dba9ef698622dc17eecdf764beeb005a652ae"},
			{"5221022ccabda84c30bad578b13c89eb3b9544ce149787e5b538175b1d1ba259cbb83321024d902e1a2fc7a8755ab5b694c575fce742c48d9ff192e63df5193e4c7afe1f9c52ae"}}},
		{desc: "wsh(multi(2," + xprvC + "/2147483647'/0," + xprvD + "/1/2/*," + xprvE + "/10/20/30/40/*'))", ranged: true, hardened: true, scripts: [][]string{
			{"0020b92623201f3bb7c3771d45b2ad1d0351ea8fbf8cfe0a0e570264e1075fa1948f"},
			{"002036a08bbe4923af41cf4316817c93b8d37e2f635dd25cfff06bd50df6ae7ea203"},
			{"0020a96e7ab4607ca6b261bfe3245ffda9c746b28d3f59e83d34820ec0e2b36c139c"}}},
		{desc: "sh(wsh(multi(16," + strings.Join(manyWIFs[:16], ",") + ")))", text: "sh(wsh(multi(16," + strings.Join(manyPubs[:16], ",") + ")))", scripts: one("a9147fc63e13dc25e8a95a3cee3d9a714ac3afd96f1e87")},
		{desc: "wsh(multi(20," + strings.Join(manyWIFs, ",") + "))", text: "wsh(multi(20," + strings.Join(manyPubs, ",") + "))", scripts: one("0020376bd8344b8b6ebe504ff85ef743eaa1aa9272178223bcb6887e9378efb341ac")},
		{desc: "sh(wsh(multi(20," + strings.Join(manyPubs, ",") + ")))", scripts: one("a914c2c9c510e9d7f92fd6131e94803a8d34a8ef675e87")},
		{desc: "wsh(multi(1," + xprvF + "/0," + wif1 + "))", scripts: one("0020cb155486048b23a6da976d4c6fe071a2dbc8a7b57aaf225b8955f2e2a27b5f00")},
		{desc: "multi(1," + xprvF + "/*," + wif1 + ")", ranged: true, scripts: [][]string{
			{"512102df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46f5d09e0762103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd52ae"},
			{"5121032869a233c9adff9a994e4966e5b821fd5bac066da6c3112488dc52383b4a98ec2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd52ae"},
			{"5121035d30b6c66dc1e036c45369da8287518cf7e0d6ed1e2b905171c605708f14ca032103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd52ae"}}},
	},
	"BIP 384": {
		{desc: "combo(" + wif1 + ")", scripts: one("2103a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bdac", "76a9149a1c78a507689f6f54b847ad1cef1e614ee23f1e88ac", "00149a1c78a507689f6f54b847ad1cef1e614ee23f1e", "a91484ab21b1b2fd065d4504ff693d832434b6108d7b87")},
		{desc: "combo(" + wif1u + ")", scripts: one("4104a34b99f22c790c4e36b2b3c2c35a36db06226e41c692fc82b8b56ac1c540c5bd5b8dec5235a0fa8722476c7709c02559e3aa73aa03918ba2d492eea75abea235ac", "76a914b5bd079c4d57cc7fc28ecf8213a6b791625b818388ac")},
		{desc: "combo([01234567]" + xprvA + ")", scripts: one("2102d2b36900396c9282fa14628566582f206a5dd0bcc8d5e892611806cafb0301f0ac", "76a91431a507b815593dfc51ffc7245ae7e5aee304246e88ac", "001431a507b815593dfc51ffc7245ae7e5aee304246e", "a9142aafb926eb247cb18240a7f4c07983ad1f37922687")},
		{desc: "combo(" + xprvF + "/*)", ranged: true, scripts: [][]string{
			{"2102df12b7035bdac8e3bab862a3a83d06ea6b17b6753d52edecba9be46f5d09e076ac", "76a914f90e3178ca25f2c808dc76624032d352fdbdfaf288ac", "0014f90e3178ca25f2c808dc76624032d352fdbdfaf2", "a91408f3ea8c68d4a7585bf9e8bda226723f70e445f087"},
			{"21032869a233c9adff9a994e4966e5b821fd5bac066da6c3112488dc52383b4a98ecac", "76a914a8409d1b6dfb1ed2a3e8aa5e0ef2ff26b15b75b788ac", "0014a8409d1b6dfb1ed2a3e8aa5e0ef2ff26b15b75b7", "a91473e39884cb71ae4e5ac9739e9225026c99763e6687"}}},
	},
	"BIP 386": {
		{desc: "tr(" + xonly1 + ")", scripts: one("512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11")},
		{desc: "tr(" + wif1 + ")", text: "tr(" + xonly1 + ")", scripts: one("512077aab6e066f8a7419c5ab714c12c67d25007ed55a43cadcacb4d7a970a093f11")},
		{desc: "tr(" + xprvA + "/0/*,pk(" + xprvA + "/1/*))", ranged: true, scripts: [][]string{
			{"512078bc707124daa551b65af74de2ec128b7525e10f374dc67b64e00ce0ab8b3e12"},
			{"512001f0a02a17808c20134b78faab80ef93ffba82261ccef0a2314f5d62b6438f11"},
			{"512021024954fcec88237a9386fce80ef2ced5f1e91b422b26c59ccfc174c8d1ad25"}}},
		{desc: "tr(" + xonly1 + ",pk(" + xonly2 + "))", scripts: one("512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754")},
		{desc: "tr(" + wif1 + ",pk(" + wif2 + "))", text: "tr(" + xonly1 + ",pk(" + xonly2 + "))", scripts: one("512017cf18db381d836d8923b1bdb246cfcd818da1a9f0e6e7907f187f0b2f937754")},
		{desc: "tr(" + xonly3 + ",{pk(" + xonly3 + "),{pk(" + xonly1 + "),pk(" + xonly3 + ")}})", scripts: one("51201497ae16f30dacb88523ed9301bff17773b609e8a90518a3f96ea328a47d1500")},
	},
	"BIP 387": {
		{desc: "tr(" + wif1 + ",multi_a(1," + wif2 + "))", text: "tr(" + xonly1 + ",multi_a(1," + xonly2 + "))", scripts: one("5120eb5bd3894327d75093891cc3a62506df7d58ec137fcd104cdd285d67816074f3")},
	},
	"rawtr": {
		{desc: "rawtr(" + xprvD + "/86'/1'/0'/1/*)#a5gn3t7k", text: "rawtr(" + xpubD + "/86'/1'/0'/1/*)", ranged: true, hardened: true, scripts: [][]string{
			{"51205172af752f057d543ce8e4a6f8dcf15548ec6be44041bfa93b72e191cfc8c1ee"},
			{"51201b66f20b86f700c945ecb9ad9b0ad1662b73084e2bfea48bee02126350b8a5b1"},
			{"512063e70f66d815218abcc2306aa930aaca07c5cde73b75127eb27b5e8c16b58a25"}}},
		{desc: "rawtr(" + wif1 + ")", text: "rawtr(" + xonly1 + ")", scripts: one("5120" + xonly1)},
	},
	"miniscript": {
		{desc: "wsh(and_v(v:ripemd160(095ff41131e5946f3c85f79e44adbcf8e27e080e),multi(1," + xprvA + "," + xprvB + "/0)))", scripts: one("0020acf425291b98a1d7e0d4690139442abc289175be32ef1f75945e339924246d73")},
		{desc: "sh(wsh(thresh(1,pkh(03cdabb7f2dce7bfbd8a0b9570c6fd1e712e5d64045e9d6b517b3d5072251dc204),a:and_n(multi(1," + xprvA + "," + xprvB + "/0),n:older(2)))))", scripts: one("a914767e9119ff3b3ac0cb6dcfe21de1842ccf85f1c487")},
		{desc: "wsh(thresh(1,pk(" + xprvA + "),a:pkh(" + xprvB + "/0)))", scripts: one("00204a4528fbc0947e02e921b54bd476fc8cc2ebb5c6ae2ccf10ed29fe2937fb6892")},
		{desc: "sh(wsh(thresh(2,ndv:after(1000),a:and_n(multi(1," + xprvA + "," + xprvB + "/0),n:older(2)))))", scripts: one("a914099f400961f930d4c16c3b33c0e2a58ef53ac38f87")},
		{desc: "wsh(and_v(v:ripemd160(ff9aa1829c90d26e73301383f549e1497b7d6325),pk(" + xprvA + ")))", scripts: one("002001549deda34cbc4a5982263191380f522695a2ddc2f99fc3a65c736264bd6cab")},
		{desc: "wsh(and_v(v:sha256(7426ba0604c3f8682c7016b44673f85c5bd9da2fa6c1080810cf53ae320c9863),pk(" + xprvA + ")))", scripts: one("002071f7283dbbb9a55ed43a54cda16ba0efd0f16dc48fe200f299e57bb5d7be8dd4")},
		{desc: "wsh(and_v(v:hash160(292e2df59e3a22109200beed0cdc84b12e66793e),pk(" + xprvA + ")))", scripts: one("00209b9d5b45735d0e15df5b41d6594602d3de472262f7b75edc6cf5f3e3fa4e3ae4")},
		{desc: "wsh(and_v(v:hash256(ae253ca2a54debcac7ecf414f6734f48c56421a08bb59182ff9f39a6fffdb588),pk(" + xprvA + ")))", scripts: one("0020cf62bf97baf977aec69cbc290c372899f913337a9093e8f066ab59b8657a365c")},
		{desc: "tr(" + xonly1 + ",thresh(2,pk(30a6069f344fb784a2b4c99540a91ee727c91e3a25ef6aae867d9c65b5f23529),s:pk(9918d400c1b8c3c478340a40117ced4054b6b58f48cdb3c89b836bdfee1f5766),adv:older(42)))", scripts: one("512033982eebe204dc66508e4b19cfc31b5ffc6e1bfcbf6e5597dfc2521a52270795")},
		{desc: "tr(" + xonly1 + ",pkh(30a6069f344fb784a2b4c99540a91ee727c91e3a25ef6aae867d9c65b5f23529))", scripts: one("51201e9875f690f5847404e4c5951e2f029887df0525691ee11a682afd37b608aad4")},
		{desc: "tr(" + xonly1 + ",{{pkh(1c9bc926084382e76da33b5a52d17b1fa153c072aae5fb5228ecc2ccf89d79d5),pk(0dd6b52b192ab195558d22dd8437a9ec4519ee5ded496c0d55bc9b1a8b0e8c2b)},thresh(1,pk(30a6069f344fb784a2b4c99540a91ee727c91e3a25ef6aae867d9c65b5f23529),s:pk(9918d400c1b8c3c478340a40117ced4054b6b58f48cdb3c89b836bdfee1f5766))})", scripts: one("5120d8ea39b29de2b550b68bd2ada8b075c888c2b2df3290c7a35856482747848934")},
		{desc: "tr(" + xonly1 + ",{and_v(v:pk(xpub6AGbgdKcAGeUWaGNKH2o3sRvjtvJCGZ1NwrHqMJDwD4bN1QuwPQSsdeAYkPZGPt2FTAyu6nWGsC3fN2nsBELrLPcRNuwwr5k1X7yW5WV4aX/*),pk(02daf6e3477fc3906a1997820ed2940c8f5fa0942946d0368f981b001fdd85afcb)),and_v(v:pk(xpub6ABiXPzjCSim6FFjLkGujnRQxmc4ZMdtdzZ79A1AHEhqGfVWGeCTZhUvZTSf1mNnGUtyNqgfE9eWaYdYReDKbPYqgqi9LLVZSmWnLQRx477/*),pk(03272c0c1ae2c07528283b91ca57b45d2cc84e7960e1f17f58815372285f35e99a))})", ranged: true, scripts: one("5120793185cd1a9a0bb710fa57df3845ac4ddf7df63b74beadce2573cbb0b508b3a4")},
		{desc: "tr(" + xonly1 + ",{and_v(and_v(v:hash256(ae253ca2a54debcac7ecf414f6734f48c56421a08bb59182ff9f39a6fffdb588),v:pk(1c9bc926084382e76da33b5a52d17b1fa153c072aae5fb5228ecc2ccf89d79d5)),older(42)),multi_a(2,adf586a32ad4b0674a86022b000348b681b4c97a811f67eefe4a6e066e55080c,14fa4ad085cdee1e2fc73d491b36a96c192382b1d9a21108eb3533f630364f9f)})", scripts: one("51209a3d79db56fbe3ba4d905d827b62e1ed31cd6df1198b8c759d589c0f4efc27bd")},
	},
}

func TestVectors(t *testing.T) {
	n := 0
	for bip, list := range valid {
		for _, v := range list {
			n++
			d, err := Parse(mainnet, v.desc, false)
			if err != nil {
				t.Errorf("%s: %s: %v", bip, v.desc, err)
				continue
			}
			want := v.text
			if want == "" {
				want = public.Replace(v.desc)
			}
			text, sum, _ := strings.Cut(d.String(), "#")
			if text != want {
				t.Errorf("%s: %s\n is %s\nnot %s", bip, v.desc, text, want)
			}
			if d.IsRange() != v.ranged || !d.IsSolvable() {
				t.Errorf("%s: %s: range %v, solvable %v", bip, v.desc, d.IsRange(), d.IsSolvable())
			}
			input, _, _ := strings.Cut(v.desc, "#")
			if d.HasPrivateKeys() != (input != want) {
				t.Errorf("%s: %s: private keys %v", bip, v.desc, d.HasPrivateKeys())
			}
			if c, err := Checksum(input); err != nil || c != d.Checksum() {
				t.Errorf("%s: %s: checksum %s, want %s, %v", bip, v.desc, d.Checksum(), c, err)
			}
			compare(t, d, v.scripts)

			// The canonical form means the same, unless it lacks private keys.
			again, err := Parse(mainnet, text+"#"+sum, true)
			if err != nil || again.String() != d.String() || again.HasPrivateKeys() {
				t.Errorf("%s: %s comes back as %v, %v", bip, d, again, err)
				continue
			}
			if !v.hardened {
				compare(t, again, v.scripts)
			} else if s, err := again.Scripts(0); err != ErrPrivateKeys {
				t.Errorf("%s: %s: scripts %x, %v", bip, d, s, err)
			}
		}
	}
	if n != 59 {
		t.Errorf("%d vectors, want 59", n)
	}
}

func compare(t *testing.T, d *Descriptor, want [][]string) {
	t.Helper()
	for i, w := range want {
		scripts, err := d.Scripts(uint32(i))
		var got []string
		for _, s := range scripts {
			got = append(got, hex.EncodeToString(s))
		}
		if err != nil || !slices.Equal(got, w) {
			t.Errorf("%s at %d:\n got %s, %v\nwant %s", d, i, got, err, w)
		}
	}
}
