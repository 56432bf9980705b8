/*
 * Owns one DCMTK data set. States: putting -> whole -> converted -> written.
 *
 * Invariants:
 *  1. No exception and no C++ type crosses the functions of transcoder.h.
 *  2. The data set has one representation of its pixels at a time: that which was put, then that which is written.
 */
#include "transcoder.h"

#include "dicom_shim_private.h"

#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcistrma.h"
#include "dcmtk/dcmdata/dcostrmb.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcrledrg.h"
#include "dcmtk/dcmdata/dcrleerg.h"
#include "dcmtk/dcmdata/dcwcache.h"
#include "dcmtk/dcmdata/dcxfer.h"
#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/dcmjpeg/djencode.h"
#include "dcmtk/dcmjpeg/djrplol.h"
#include "dcmtk/dcmjpls/djdecode.h"
#include "dcmtk/dcmjpls/djencode.h"
#include "dcmtk/dcmjpls/djrparam.h"
#include "dcmtk/oflog/oflog.h"

#include <cstring>
#include <new>
#include <vector>

namespace {

const size_t WRITE_BYTES = 64u << 10;
const size_t DEFLATED_PIECE_BYTES = 4u << 10;

/* A fifth of the stack of an association's thread, some hundred levels: writing and freeing go as deep. */
const size_t READ_STACK_BYTES = 200u << 10;

/* Bytes that come piece by piece, of any size; DCMTK's own producer for memory takes even ones alone. */
class PieceProducer : public DcmProducer {
public:
  void put(const unsigned char *bytes, size_t size) {
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(at_));
    held_.insert(held_.end(), bytes, bytes + size);
    at_ = 0;
  }
  void end() { ended_ = true; }

  OFBool good() const override { return status_.good(); }
  OFCondition status() const override { return status_; }
  OFBool eos() override { return ended_ && at_ == held_.size(); }
  offile_off_t avail() override { return static_cast<offile_off_t>(held_.size() - at_); }
  offile_off_t read(void *bytes, offile_off_t size) override {
    const offile_off_t count = size < avail() ? size : avail();
    memcpy(bytes, held_.data() + at_, static_cast<size_t>(count));
    return skip(count);
  }
  offile_off_t skip(offile_off_t size) override {
    const offile_off_t count = size < avail() ? size : avail();
    at_ += static_cast<size_t>(count);
    return count;
  }
  void putback(offile_off_t size) override {
    if (static_cast<size_t>(size) > at_)
      status_ = EC_PutbackFailed;
    else
      at_ -= static_cast<size_t>(size);
  }

private:
  std::vector<unsigned char> held_; // [at_, end) was not yet read
  size_t at_ = 0;
  bool ended_ = false;
  OFCondition status_ = EC_Normal;
};

/* DCMTK reads nested sequences by recursion without a limit, and asks for avail() before each element: there is none
 * where it has gone too deep, so that it comes back before the stack ends. */
class PieceStream : public DcmInputStream {
public:
  explicit PieceStream(PieceProducer *producer) : DcmInputStream(producer) {}
  DcmInputStreamFactory *newFactory() const override { return nullptr; }

  /* Reading begins here. */
  void enter() { top_ = static_cast<const char *>(__builtin_frame_address(0)); }
  bool too_deep() const { return too_deep_; }

  offile_off_t avail() override {
    const char *here = static_cast<const char *>(__builtin_frame_address(0));
    if (top_ - here > static_cast<ptrdiff_t>(READ_STACK_BYTES)) too_deep_ = true;
    return too_deep_ ? 0 : DcmInputStream::avail();
  }

private:
  const char *top_ = nullptr;
  bool too_deep_ = false;
};

} // namespace

struct transcoder {
  transcoder(E_TransferSyntax source, E_TransferSyntax destination, uint64_t inflated)
      : from(source), to(destination), inflated_max(inflated), input(&pieces) {}

  const E_TransferSyntax from, to;
  const uint64_t inflated_max;
  DcmDataset data_set;
  PieceProducer pieces;
  PieceStream input;
  bool begun = false;
};

namespace {

/* DCMTK's list of codecs is the process's. Nothing lossy is in it; UIDs stay; pixels of lossless codecs keep their
 * colour space; JPEG and JPEG-LS encode whole words, with the bits above Bits Stored. */
bool register_codecs() {
  OFLog::configure(OFLogger::OFF_LOG_LEVEL); // what goes wrong comes back as a status
  DJDecoderRegistration::registerCodecs(EDC_lossyOnly, EUC_never);
  DJLSDecoderRegistration::registerCodecs(EJLSUC_never);
  DcmRLEDecoderRegistration::registerCodecs();
  DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_never);
  DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse, 0, OFTrue, EJLSUC_never);
  DcmRLEEncoderRegistration::registerCodecs();
  return true;
}

/* Whether the state's last read means "more bytes, please". */
bool wants_more(const OFCondition &condition) { return condition == EC_StreamNotifyClient; }

cas_status put(struct transcoder *transcoder, struct cas_slice bytes, bool last, struct cas_error *error) {
  transcoder->pieces.put(bytes.data, bytes.size);
  if (last) transcoder->pieces.end();
  if (!transcoder->begun) transcoder->data_set.transferInit();
  transcoder->begun = true;
  transcoder->input.enter();
  const OFCondition condition = transcoder->data_set.read(transcoder->input, transcoder->from, EGL_noChange);
  if (transcoder->input.too_deep())
    return shim_fail(error, CAS_REFUSED, "its sequences are nested too deeply to be transcoded");
  if (condition.bad() && !(wants_more(condition) && !last))
    return shim_fail(error, CAS_REFUSED, "the data set cannot be read", condition);
  return CAS_OK;
}

/* In pieces so small that none of them inflates to much before it is looked at: deflate's best is 1 : 1032. */
cas_status put_deflated(struct transcoder *transcoder, struct cas_slice bytes, bool last, struct cas_error *error) {
  do {
    const size_t size = bytes.size < DEFLATED_PIECE_BYTES ? bytes.size : DEFLATED_PIECE_BYTES;
    const cas_status status = put(transcoder, {bytes.data, size}, last && size == bytes.size, error);
    if (status != CAS_OK) return status;
    if (static_cast<uint64_t>(transcoder->input.tell()) > transcoder->inflated_max)
      return shim_fail(error, CAS_REFUSED, "it inflates to more than is transcoded");
    bytes = {bytes.data + size, bytes.size - size};
  } while (bytes.size > 0);
  return CAS_OK;
}

uint64_t times(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

uint64_t number(DcmItem *item, const DcmTagKey &tag, uint64_t otherwise) {
  Uint16 value = 0;
  return item->findAndGetUint16(tag, value).good() ? value : otherwise;
}

uint64_t pixel_bytes(DcmItem *item) {
  if (!item->tagExists(DCM_PixelData)) return 0;
  Sint32 frames = 1;
  if (item->findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames < 1) frames = 1;
  const uint64_t samples = times(number(item, DCM_Rows, 0), number(item, DCM_Columns, 0));
  const uint64_t bits =
      times(samples, times(number(item, DCM_SamplesPerPixel, 1), number(item, DCM_BitsAllocated, 16)));
  return times(bits == UINT64_MAX ? bits : bits / 8 + 1, static_cast<uint64_t>(frames));
}

OFCondition encode(DcmDataset *data_set, E_TransferSyntax to) {
  const DJ_RPLossless jpeg(1, 0);
  const DJLSRepresentationParameter jpeg_ls(2, OFTrue);
  switch (to) {
  case EXS_JPEGProcess14:
  case EXS_JPEGProcess14SV1: return data_set->chooseRepresentation(to, &jpeg);
  case EXS_JPEGLSLossless: return data_set->chooseRepresentation(to, &jpeg_ls);
  default: return data_set->chooseRepresentation(to, nullptr);
  }
}

cas_status convert(struct transcoder *transcoder, struct cas_error *error) {
  DcmDataset *data_set = &transcoder->data_set;
  const DcmXfer to(transcoder->to);
  const bool packs = to.isEncapsulated();
  if (packs && !data_set->tagExists(DCM_PixelData))
    return shim_fail(error, CAS_REFUSED, "it has no pixels that could be compressed");
  if (DcmXfer(transcoder->from).isEncapsulated()) {
    const OFCondition decoded = data_set->chooseRepresentation(EXS_LittleEndianExplicit, nullptr);
    if (decoded.bad()) return shim_fail(error, CAS_REFUSED, "the pixels cannot be decoded", decoded);
    data_set->removeAllButCurrentRepresentations();
  }
  const OFCondition encoded = encode(data_set, transcoder->to);
  if (encoded.bad()) return shim_fail(error, CAS_REFUSED, "the pixels cannot be encoded", encoded);
  data_set->removeAllButCurrentRepresentations();
  if (!data_set->canWriteXfer(transcoder->to))
    return shim_fail(error, CAS_REFUSED, "it cannot be written in that transfer syntax");
  return CAS_OK;
}

/* Hands on what is in the stream's buffer. */
cas_status hand_on(DcmOutputBufferStream *output, uint64_t *written, transcoder_write_fn write, void *arg,
                   struct cas_error *error) {
  void *bytes = nullptr;
  offile_off_t size = 0;
  output->flushBuffer(bytes, size);
  if (size <= 0) return CAS_OK;
  *written += static_cast<uint64_t>(size);
  return write(arg, {static_cast<const uint8_t *>(bytes), static_cast<size_t>(size)}, error);
}

cas_status write_all(struct transcoder *transcoder, transcoder_write_fn write, void *arg, struct cas_error *error) {
  std::vector<unsigned char> buffer(WRITE_BYTES);
  DcmOutputBufferStream output(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  DcmWriteCache cache;
  uint64_t written = 0;
  OFCondition condition = EC_StreamNotifyClient;
  transcoder->data_set.transferInit();
  while (wants_more(condition)) {
    condition = transcoder->data_set.write(output, transcoder->to, EET_ExplicitLength, &cache, EGL_recalcGL);
    if (condition.bad() && !wants_more(condition))
      return shim_fail(error, CAS_REFUSED, "the data set cannot be written", condition);
    const cas_status status = hand_on(&output, &written, write, arg, error);
    if (status != CAS_OK) return status;
  }
  transcoder->data_set.transferEnd();
  do { // what the compression of a deflated data set still holds
    output.flush();
    const cas_status status = hand_on(&output, &written, write, arg, error);
    if (status != CAS_OK) return status;
  } while (!output.isFlushed());
  static const uint8_t padding = 0;
  return written % 2 == 0 ? CAS_OK : write(arg, {&padding, 1}, error);
}

/* What DCMTK throws, and all that it throws is for want of memory, ends here. */
template <typename Function> cas_status guarded(struct cas_error *error, Function function) {
  try {
    return function();
  } catch (const std::bad_alloc &) {
    return shim_fail(error, CAS_NO_MEMORY, "transcoding");
  } catch (...) {
    return shim_fail(error, CAS_REFUSED, "the object cannot be transcoded");
  }
}

} // namespace

cas_status transcoder_create(const char *from, const char *to, uint64_t inflated_max, struct transcoder **transcoder,
                             struct cas_error *error) {
  static const bool registered = register_codecs();
  const DcmXfer source(from), destination(to);
  if (!registered || source.getXfer() == EXS_Unknown || destination.getXfer() == EXS_Unknown)
    return shim_fail(error, CAS_UNSUPPORTED, "there is no codec for the transfer syntax");
  return guarded(error, [&] {
    *transcoder = new struct transcoder(source.getXfer(), destination.getXfer(), inflated_max);
    return CAS_OK;
  });
}

void transcoder_destroy(struct transcoder *transcoder) { delete transcoder; }

cas_status transcoder_put(struct transcoder *transcoder, struct cas_slice bytes, bool last, struct cas_error *error) {
  return guarded(error, [&] {
    const bool deflated = transcoder->from == EXS_DeflatedLittleEndianExplicit;
    const cas_status status =
        deflated ? put_deflated(transcoder, bytes, last, error) : put(transcoder, bytes, last, error);
    if (status == CAS_OK && last) transcoder->data_set.transferEnd();
    return status;
  });
}

uint64_t transcoder_pixel_bytes(struct transcoder *transcoder) {
  uint64_t bytes = UINT64_MAX;
  (void)guarded(nullptr, [&] {
    DcmDataset *data_set = &transcoder->data_set;
    bytes = pixel_bytes(data_set);
    // DCMTK goes on reading at the element where its list stands, and a search moves that.
    if (data_set->card() > 0) (void)data_set->getElement(data_set->card() - 1);
    return CAS_OK;
  });
  return bytes;
}

cas_status transcoder_convert(struct transcoder *transcoder, struct cas_error *error) {
  return guarded(error, [&] { return convert(transcoder, error); });
}

cas_status transcoder_write(struct transcoder *transcoder, transcoder_write_fn write, void *arg,
                            struct cas_error *error) {
  return guarded(error, [&] { return write_all(transcoder, write, arg, error); });
}
