package diskcache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/klauspost/compress/zstd"
)

// form is authenticated along with every value: files of another form are none.
const form = "fairtide cache: AES-256-GCM over zstd"

var errDamaged = errors.New("the file is damaged, or not of this key")

// sealer knows the file of one key.
type sealer struct {
	name string
	aead cipher.AEAD
}

// derive makes name and encryption key out of a cache key. Neither tells the
// other, nor the cache key (RFC 5869).
func derive(version string, key []byte) (sealer, error) {
	secret, err := hkdf.Extract(sha256.New, key, []byte(version))
	if err != nil {
		return sealer{}, err
	}
	name, err := hkdf.Expand(sha256.New, secret, "name", sha256.Size)
	if err != nil {
		return sealer{}, err
	}
	seal, err := hkdf.Expand(sha256.New, secret, "seal", sha256.Size)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{name: hex.EncodeToString(name), aead: aead}, err
}

// packer compresses. Of flate, s2 and zstd the fastest zstd was smallest for
// the time on renders; its parts are made once, as making them costs more than
// most values.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newPacker() (packer, error) {
	// The window bounds the memory: 1 MB is more than what repeats in a render.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	if err != nil {
		return packer{}, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	return packer{enc: enc, dec: dec}, err
}

func (s sealer) seal(p packer, data []byte) []byte {
	return s.aead.Seal(nil, nil, p.enc.EncodeAll(data, nil), []byte(form))
}

func (s sealer) open(p packer, sealed []byte) ([]byte, error) {
	packed, err := s.aead.Open(nil, nil, sealed, []byte(form))
	if err != nil {
		return nil, errDamaged
	}
	return p.dec.DecodeAll(packed, nil)
}
