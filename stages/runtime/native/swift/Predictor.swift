// A package that answers, over the C library. Not verified: this file was never compiled or run.
import CAiwf
import Foundation

public struct PredictorError: Error {
    public let code: Int32
    public let message: String
}

/// One label of an answer, or one box: left, top, right, bottom in pixels of the upright picture.
public struct Answer {
    public let label: String
    public let score: Double
    public let sure: Bool?
    public let box: [Double]?
}

public final class Predictor {
    private var handle: OpaquePointer?

    /// Open the package in `folder`; without one, that of this Swift package.
    public init(folder: String? = nil) throws {
        let path = folder ?? Bundle.module.resourcePath! + "/model"
        var error = aiwf_error()
        let code = aiwf_open(path, nil, &handle, &error)
        guard code == 0 else { throw Predictor.problem(code, error) }
    }

    deinit { aiwf_close(handle) }

    /// Answer rows of red, green and blue bytes from the top. An app decodes pictures itself.
    public func predict(rgb: [UInt8], width: Int, height: Int) throws -> [Answer] {
        precondition(rgb.count >= width * height * 3, "There are fewer bytes than pixels.")
        var result: OpaquePointer?
        var error = aiwf_error()
        let code = aiwf_predict_pixels(
            handle, rgb, Int32(width), Int32(height), width * 3, &result, &error)
        return try answers(code, result, error)
    }

    /// Answer samples of -1 to 1, channel after channel for each frame.
    public func predict(samples: [Float], channels: Int, rate: Int) throws -> [Answer] {
        var result: OpaquePointer?
        var error = aiwf_error()
        let code = aiwf_predict_samples(
            handle, samples, samples.count / channels, Int32(channels), Int32(rate), &result, &error)
        return try answers(code, result, error)
    }

    private func answers(
        _ code: Int32, _ result: OpaquePointer?, _ error: aiwf_error
    ) throws -> [Answer] {
        guard code == 0 else { throw Predictor.problem(code, error) }
        defer { aiwf_free_result(result) }
        return (0..<aiwf_result_count(result)).compactMap { place in
            var entry = aiwf_entry()
            guard aiwf_result_entry(result, place, &entry) == 0 else { return nil }
            let box = [entry.left, entry.top, entry.right, entry.bottom]
            return Answer(
                label: String(cString: entry.label), score: entry.score,
                sure: entry.sure < 0 ? nil : entry.sure > 0, box: entry.has_box == 0 ? nil : box)
        }
    }

    private static func problem(_ code: Int32, _ error: aiwf_error) -> PredictorError {
        var message = error.message
        let text = withUnsafePointer(to: &message) {
            $0.withMemoryRebound(to: CChar.self, capacity: Int(AIWF_MESSAGE_BYTES)) {
                String(cString: $0)
            }
        }
        return PredictorError(code: code, message: text)
    }
}
