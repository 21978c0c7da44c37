// A package that answers, over the C library. Not verified: this file was never compiled or run.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;

namespace AiWorkflow
{
    public sealed class PredictorException : Exception
    {
        public int Code { get; }

        public PredictorException(int code, string message) : base(message) => Code = code;
    }

    /// <summary>One label of an answer, or one box in pixels of the upright picture.</summary>
    public readonly record struct Answer(string Label, double Score, bool? Sure, double[]? Box);

    public sealed class Predictor : IDisposable
    {
        private const string Library = "aiwf";
        private const int MessageBytes = 512;

        [StructLayout(LayoutKind.Sequential)]
        private struct Error
        {
            public int Code;

            [MarshalAs(UnmanagedType.ByValArray, SizeConst = MessageBytes)]
            public byte[] Message;
        }

        [StructLayout(LayoutKind.Sequential)]
        private struct Entry
        {
            public IntPtr Label;
            public int Index;
            public double Score;
            public int Sure;
            public int HasBox;
            public double Left, Top, Right, Bottom;
        }

        [DllImport(Library)]
        private static extern int aiwf_open(
            [MarshalAs(UnmanagedType.LPUTF8Str)] string folder, IntPtr options,
            out IntPtr predictor, out Error error);

        [DllImport(Library)]
        private static extern void aiwf_close(IntPtr predictor);

        [DllImport(Library)]
        private static extern int aiwf_predict_bytes(
            IntPtr predictor, byte[] data, UIntPtr size, out IntPtr result, out Error error);

        [DllImport(Library)]
        private static extern int aiwf_result_count(IntPtr result);

        [DllImport(Library)]
        private static extern int aiwf_result_entry(IntPtr result, int place, out Entry entry);

        [DllImport(Library)]
        private static extern void aiwf_free_result(IntPtr result);

        private IntPtr handle;

        public Predictor(string folder)
        {
            Check(aiwf_open(folder, IntPtr.Zero, out handle, out var error), error);
        }

        public IReadOnlyList<Answer> Predict(byte[] file)
        {
            if (handle == IntPtr.Zero) throw new ObjectDisposedException(nameof(Predictor));
            Check(aiwf_predict_bytes(handle, file, (UIntPtr)file.Length, out var result,
                                     out var error), error);
            try
            {
                var answers = new List<Answer>();
                for (var place = 0; place < aiwf_result_count(result); place++)
                {
                    if (aiwf_result_entry(result, place, out var entry) == 0)
                        answers.Add(AnswerOf(entry));
                }
                return answers;
            }
            finally
            {
                aiwf_free_result(result);
            }
        }

        public void Dispose()
        {
            if (handle != IntPtr.Zero) aiwf_close(handle);
            handle = IntPtr.Zero;
        }

        private static Answer AnswerOf(Entry entry)
        {
            var label = Marshal.PtrToStringUTF8(entry.Label) ?? "";
            bool? sure = entry.Sure < 0 ? null : entry.Sure > 0;
            var box = entry.HasBox == 0
                ? null
                : new[] { entry.Left, entry.Top, entry.Right, entry.Bottom };
            return new Answer(label, entry.Score, sure, box);
        }

        private static void Check(int code, Error error)
        {
            if (code == 0) return;
            var length = Array.IndexOf(error.Message, (byte)0);
            var text = Encoding.UTF8.GetString(error.Message, 0, Math.Max(0, length));
            throw new PredictorException(code, text);
        }
    }
}
