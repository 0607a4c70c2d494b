//! Columns of texts, read where they lie.
#![allow(unsafe_code, reason = "see `arrow`")]

use std::ffi::CStr;
use std::ptr::NonNull;
use std::slice;

use deputize_wire::Ids;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::{Array, Schema, Stream, bit};
use crate::error::misuse;

/// An Arrow array of some type, perhaps in several parts.
pub(crate) struct Column {
    schema: Schema,
    parts: Vec<Array>,
}

/// The Arrow array that this is, if it is one.
pub(crate) fn column(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Option<Column>> {
    let py = given.py();
    if let Some(export) = given.getattr_opt(intern!(py, "__arrow_c_array__"))? {
        let pair = export.call0()?.cast_into::<PyTuple>()?;
        let schema = Schema::take(&pair.get_item(0)?, c"arrow_schema")?;
        let array = Array::take(&pair.get_item(1)?, c"arrow_array")?;
        // What was released, or taken by somebody else, points to nothing.
        if schema.release.is_none() || array.release.is_none() {
            return Err(misuse(py, format!("`{name}` was released already")));
        }
        return Ok(Some(Column {
            schema,
            parts: vec![array],
        }));
    }
    let Some(export) = given.getattr_opt(intern!(py, "__arrow_c_stream__"))? else {
        return Ok(None);
    };
    let stream = Stream::take(&export.call0()?, c"arrow_array_stream")?;
    let column = stream.read();
    column
        .map(Some)
        .ok_or_else(|| misuse(py, format!("`{name}` could not be read as an Arrow stream")))
}

impl Stream {
    fn read(mut self) -> Option<Column> {
        let (get_schema, get_next) = (self.get_schema?, self.get_next?);
        let mut column = Column {
            schema: Schema::EMPTY,
            parts: Vec::new(),
        };
        // SAFETY: the stream was not released, and we alone have it.
        if unsafe { get_schema(&raw mut self, &raw mut column.schema) } != 0
            || column.schema.release.is_none()
        {
            return None;
        }
        loop {
            let mut part = Array::EMPTY;
            // SAFETY: as above.
            if unsafe { get_next(&raw mut self, &raw mut part) } != 0 {
                return None;
            }
            // The end of a stream is an array that is released already.
            if part.release.is_none() {
                return Some(column);
            }
            column.parts.push(part);
        }
    }
}

impl Column {
    /// Its texts; what is null or no UTF-8 is the empty one. Of a dictionary,
    /// its values and where each stands.
    ///
    /// # Errors
    /// In words: its type is not one of texts, or its parts do not fit its type.
    pub(crate) fn ids(&self) -> Result<Ids<'_>, String> {
        let Some(values) = self.schema.dictionary() else {
            let mut all = Vec::new();
            for part in &self.parts {
                let texts = texts(&self.schema, part)?;
                all.extend(texts.into_iter().map(Option::unwrap_or_default));
            }
            return Ok(Ids::from(&all));
        };
        // The empty text stands first, for what is null.
        let (mut all, mut places) = (vec![""], Vec::new());
        let mut known: Option<(&Array, u32)> = None;
        for part in &self.parts {
            let dictionary = part.dictionary().ok_or(DAMAGED)?;
            let base = match known {
                Some((before, base)) if before.lies_with(dictionary) => base,
                _ => {
                    let base = u32::try_from(all.len()).map_err(|_| DAMAGED)?;
                    let texts = texts(values, dictionary)?;
                    all.extend(texts.into_iter().map(Option::unwrap_or_default));
                    base
                }
            };
            known = Some((dictionary, base));
            let end = u32::try_from(all.len()).map_err(|_| DAMAGED)?;
            part.indexed(self.schema.format(), base, end, &mut places)?;
        }
        Ok(Ids::indexed(all, places))
    }
}

const DAMAGED: &str = "the Arrow array does not fit its own type";

/// The texts of one array; `None` for what is null or no UTF-8.
fn texts<'a>(schema: &'a Schema, array: &'a Array) -> Result<Vec<Option<&'a str>>, String> {
    let format = schema.format();
    match format {
        b"u" => array.offsets::<i32>(),
        b"U" => array.offsets::<i64>(),
        b"vu" => array.views(),
        b"n" => Ok(vec![None; array.extent()?.1]),
        _ => Err(unfit(format)),
    }
}

fn unfit(format: &[u8]) -> String {
    if format == b"+s" {
        return "it is a table: give its one column of texts".to_owned();
    }
    format!(
        "an Arrow array of the format `{}` is not one of texts",
        String::from_utf8_lossy(format)
    )
}

impl Schema {
    fn format(&self) -> &[u8] {
        if self.format.is_null() {
            return b"";
        }
        // SAFETY: the interface says that it is a text that ends with a zero,
        // and that it lives until the schema is released.
        unsafe { CStr::from_ptr(self.format) }.to_bytes()
    }

    fn dictionary(&self) -> Option<&Schema> {
        // SAFETY: null, or a schema that lives as long as this one.
        unsafe { self.dictionary.as_ref() }
    }
}

/// An offset into a buffer of texts.
trait Offset: Copy {
    fn place(self) -> Option<usize>;
}

impl Offset for i32 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Offset for i64 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Array {
    fn dictionary(&self) -> Option<&Array> {
        // SAFETY: null, or an array that lives as long as this one.
        unsafe { self.dictionary.as_ref() }
    }

    /// Where its items begin and how many there are: such that an item's place
    /// in bytes can be counted, however wide it is.
    fn extent(&self) -> Result<(usize, usize), String> {
        let place = |n: i64| usize::try_from(n).ok();
        let most = (isize::MAX / 32).unsigned_abs();
        match (place(self.offset), place(self.length)) {
            (Some(offset), Some(length)) if offset <= most && length <= most => {
                Ok((offset, length))
            }
            _ => Err(DAMAGED.to_owned()),
        }
    }

    /// One of its buffers, `None` where it is absent or null.
    fn buffer(&self, place: usize) -> Option<NonNull<u8>> {
        let count = usize::try_from(self.n_buffers).ok()?;
        if place >= count || self.buffers.is_null() {
            return None;
        }
        // SAFETY: `buffers` has `n_buffers` pointers, more than `place`.
        let buffer = unsafe { self.buffers.add(place).read() };
        NonNull::new(buffer.cast_mut().cast())
    }

    /// The value at a place of a buffer of such values.
    ///
    /// # Safety
    /// The buffer has more such values than `place`, which any bytes are.
    unsafe fn value<T: Copy>(buffer: NonNull<u8>, place: usize) -> T {
        // SAFETY: said above. A producer need not align its buffers.
        unsafe { buffer.cast::<T>().add(place).read_unaligned() }
    }

    /// Whether each item is there, from its first one.
    fn present(&self) -> Result<impl Iterator<Item = bool> + '_, String> {
        let (offset, length) = self.extent()?;
        let bits = self.buffer(0);
        Ok((offset..offset + length).map(move |place| match bits {
            None => true,
            // SAFETY: a bitmap has a bit for each item up to the last.
            Some(bits) => bit(unsafe { Self::value(bits, place / 8) }, place),
        }))
    }

    /// Utf8 and LargeUtf8: validity, offsets, bytes.
    fn offsets<T: Offset>(&self) -> Result<Vec<Option<&str>>, String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let offsets = self.buffer(1).ok_or(DAMAGED)?;
        // SAFETY: there is an offset for each item, and one more for the end.
        let at = |place| unsafe { Self::value::<T>(offsets, place) }.place();
        let all = at(offset + length).ok_or(DAMAGED)?;
        let bytes: &[u8] = match self.buffer(2) {
            // SAFETY: the last offset is how many bytes there are, which live
            // until the array is released.
            Some(bytes) => unsafe { slice::from_raw_parts(bytes.as_ptr(), all) },
            None => &[],
        };
        let mut start = at(offset).ok_or(DAMAGED)?;
        let mut texts = Vec::with_capacity(length);
        for (place, present) in (offset..).zip(self.present()?) {
            let end = at(place + 1).ok_or(DAMAGED)?;
            let own = bytes.get(start..end).ok_or(DAMAGED)?;
            texts.push(str::from_utf8(own).ok().filter(|_| present));
            start = end;
        }
        Ok(texts)
    }

    /// Utf8View: validity, views of 16 bytes, buffers of bytes, their lengths.
    fn views(&self) -> Result<Vec<Option<&str>>, String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let views = self.buffer(1).ok_or(DAMAGED)?;
        let count = usize::try_from(self.n_buffers).unwrap_or_default();
        let data = self.view_buffers(count)?;
        let mut texts = Vec::with_capacity(length);
        for (place, present) in (offset..).zip(self.present()?) {
            if !present {
                texts.push(None);
                continue;
            }
            // SAFETY: there is a view for each item; they live until the array
            // is released.
            let view: &[u8; 16] = unsafe { views.cast().add(place).as_ref() };
            let own = viewed(view, &data).ok_or(DAMAGED)?;
            texts.push(str::from_utf8(own).ok());
        }
        Ok(texts)
    }

    /// The buffers that views point into.
    fn view_buffers(&self, count: usize) -> Result<Vec<&[u8]>, String> {
        let several = count.checked_sub(3).ok_or(DAMAGED)?;
        if several == 0 {
            return Ok(Vec::new());
        }
        let lengths = self.buffer(count - 1).ok_or(DAMAGED)?;
        let mut data: Vec<&[u8]> = Vec::with_capacity(several);
        for place in 0..several {
            // SAFETY: the last buffer has a length for each of the others.
            let length = unsafe { Self::value::<i64>(lengths, place) };
            let length = isize::try_from(length).ok().filter(|length| *length >= 0);
            let length = length.ok_or(DAMAGED)?.unsigned_abs();
            data.push(match self.buffer(place + 2) {
                // SAFETY: the buffer is that long and lives until the array is
                // released.
                Some(bytes) => unsafe { slice::from_raw_parts(bytes.as_ptr(), length) },
                None => &[],
            });
        }
        Ok(data)
    }

    /// Whether it is the same memory as another's.
    fn lies_with(&self, other: &Array) -> bool {
        let same = |place| self.buffer(place) == other.buffer(place);
        (self.offset, self.length, self.n_buffers) == (other.offset, other.length, other.n_buffers)
            && (0..usize::try_from(self.n_buffers).unwrap_or_default()).all(same)
    }

    /// Dictionary: validity, places among the values, of which the first stands
    /// at `base` and the last before `end`; 0 is for what is null.
    fn indexed(
        &self,
        format: &[u8],
        base: u32,
        end: u32,
        all: &mut Vec<u32>,
    ) -> Result<(), String> {
        match format {
            b"c" => self.places::<i8>(base, end, all),
            b"C" => self.places::<u8>(base, end, all),
            b"s" => self.places::<i16>(base, end, all),
            b"S" => self.places::<u16>(base, end, all),
            b"i" => self.places::<i32>(base, end, all),
            b"I" => self.places::<u32>(base, end, all),
            b"l" => self.places::<i64>(base, end, all),
            b"L" => self.places::<u64>(base, end, all),
            _ => Err(unfit(format)),
        }
    }

    fn places<T: Copy + TryInto<u32>>(
        &self,
        base: u32,
        end: u32,
        all: &mut Vec<u32>,
    ) -> Result<(), String> {
        let (offset, length) = self.extent()?;
        if length == 0 {
            return Ok(());
        }
        let places = self.buffer(1).ok_or(DAMAGED)?;
        let read = |item: usize| {
            // SAFETY: there is a place for each item, of this width.
            let place = unsafe { Self::value::<T>(places, item) };
            let place = place.try_into().ok()?.checked_add(base)?;
            (place < end).then_some(place)
        };
        all.reserve(length);
        if self.buffer(0).is_none() {
            for item in offset..offset + length {
                all.push(read(item).ok_or(DAMAGED)?);
            }
            return Ok(());
        }
        for (item, present) in (offset..).zip(self.present()?) {
            all.push(match present {
                true => read(item).ok_or(DAMAGED)?,
                false => 0,
            });
        }
        Ok(())
    }
}

/// What a view shows: up to 12 bytes of its own, or a range of a buffer.
fn viewed<'a>(view: &'a [u8; 16], data: &[&'a [u8]]) -> Option<&'a [u8]> {
    let (words, _) = view.as_chunks::<4>();
    let word = |place: usize| Some(i32::from_ne_bytes(*words.get(place)?));
    let length = usize::try_from(word(0)?).ok()?;
    if length <= 12 {
        return view.get(4..4 + length);
    }
    let buffer = usize::try_from(word(2)?).ok()?;
    let start = usize::try_from(word(3)?).ok()?;
    data.get(buffer)?.get(start..start.checked_add(length)?)
}
